# The state directory is there, closed, before the first run needs it.
if command -v systemd-tmpfiles >/dev/null 2>&1; then
    systemd-tmpfiles --create dsmcertfix.conf
elif [ ! -e /var/lib/dsmcertfix ]; then
    mkdir -m 0700 /var/lib/dsmcertfix
fi
