"""Ways to get a token without having one: auth methods, each mounted at a path below ``auth/``.

    mounts            which method is mounted where; mount_routes and mount_commands change it
    methods           the table of methods: what each takes, how long its tokens live by default
    dispatch          a request below ``auth/``, to the mount that it is for
    login             the order of events of a login, which needs no token
    issue             what a login earned, and the token that it gets for it
    token_settings    the fields about tokens that every role has

One folder or module a method: ``userpass``, ``approle``, ``jwt``, ``kubernetes``, ``cert``.
"""
