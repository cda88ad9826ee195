"""The guest's kernel: Debian's cloud kernel, unpacked below ``build/vm`` and never installed.

    python -m tests.vm.kernel    get one, unless that was done before

It is downloaded with apt, which checks it against the signed index.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "build" / "vm"
_META_PACKAGE = "linux-image-cloud-amd64"
_COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One unpacked kernel.

    Attributes:
        release: what ``uname -r`` says when it runs.
        directory: what its package was unpacked into.
    """

    release: str
    directory: Path

    @property
    def image(self) -> Path:
        """The file to boot."""
        return self.directory / "boot" / f"vmlinuz-{self.release}"

    def modules(self, *names: str) -> list[Path]:
        """Return the files of modules and of all they depend on, in the order in which to insert them."""
        files: list[Path] = []
        for name in names:
            told = _output("modprobe", "-d", self.directory, "-S", self.release, "--show-depends", name)
            words = [line.split() for line in told.splitlines()]
            files += [Path(word[1]) for word in words if word[0] == "insmod"]  # the others are built in
        return list(dict.fromkeys(files))


def find() -> Kernel | None:
    """Return the kernel that was fetched last, if any."""
    found = sorted(DIRECTORY.glob(f"*/{_COMPLETE}"), key=lambda mark: mark.stat().st_mtime)
    return Kernel(found[-1].parent.name, found[-1].parent) if found else None


def fetch() -> Kernel:
    """Return a kernel, downloading and unpacking it unless that was done before.

    Raises:
        subprocess.CalledProcessError: this is no Debian, or its mirror cannot be reached.
    """
    found = find()
    if found is not None:
        return found
    try:
        return _download()
    except subprocess.CalledProcessError:  # the package lists are missing, or older than the mirror
        _output("apt-get", "-qq", "update")
        return _download()


def _download() -> Kernel:
    depends = _output("apt-cache", "depends", _META_PACKAGE)
    package = next(line.split()[1] for line in depends.splitlines() if "Depends:" in line)
    release = package.removeprefix("linux-image-")
    kernel = Kernel(release, DIRECTORY / release)
    shutil.rmtree(kernel.directory, ignore_errors=True)
    kernel.directory.mkdir(parents=True)
    # Without the option apt would drop to a user who may not write here, and say so.
    _output("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=kernel.directory)
    (archive,) = kernel.directory.glob("*.deb")
    _output("dpkg", "-x", archive, kernel.directory)
    archive.unlink()
    _output("depmod", "-b", kernel.directory, release)
    (kernel.directory / _COMPLETE).touch()
    return kernel


def _output(*command: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=cwd).stdout


if __name__ == "__main__":
    print(f"a kernel for guests is in {fetch().directory}")
