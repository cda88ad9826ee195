#!/bin/busybox sh
# The guest's first process, in its initramfs: put the host's root below an overlay and go on in there.
set -eu
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /host /overlay /new /whole
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do insmod "$module"; done

mount -t virtiofs -o ro host /host
mount -t tmpfs tmpfs /overlay
mkdir /overlay/changes /overlay/work
mount -t overlay -o lowerdir=/host,upperdir=/overlay/changes,workdir=/overlay/work overlay /new
mount -o bind /new /whole # and nothing of what is mounted in /new below

mkdir -p /new/lib/modules
mount -o bind "/new$(cat /kernel)/lib/modules" /new/lib/modules
for place in proc sys dev; do mount -o move "/$place" "/new/$place"; done
ln -s /proc/self/fd /new/dev/fd
mkdir -p /new/dev/shm
mount -t tmpfs tmpfs /new/dev/shm
mount -t tmpfs tmpfs /new/run
# The disk, a real file system, is where temporary files go: loop devices cannot bypass the cache of a tmpfs.
mount -t ext4 /new/dev/vda /new/tmp
chmod 1777 /new/tmp
while read -r place; do
    case $place in /tmp/* | /run/* | /dev/*) ;; *) continue ;; esac
    mkdir -p "/new$place"
    mount -o bind "/whole$place" "/new$place"
done </places
ifconfig lo up

cp /session.sh /places /bin/busybox /new/run
exec switch_root /new /bin/sh /run/session.sh
