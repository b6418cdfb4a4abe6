#!/bin/sh
# Makes the package of a binary and looks at it; and the unit's hardening. Says what it could not look at.
#   packaging/check.sh BINARY
set -eu
cd "$(dirname "$0")/.."
binary=${1:?which binary}
for script in packaging/postinst packaging/prerm packaging/postrm packaging/deb.sh; do sh -n "$script"; done
if command -v systemd-analyze >/dev/null; then
    systemd-analyze security --offline=true --threshold=15 --no-pager systemd/almoner.service | tail -1
else
    echo "not looked at: the unit's hardening (no systemd-analyze)"
fi
if ! command -v dpkg-deb >/dev/null; then
    echo "not looked at: the package (no dpkg-deb)"
    exit 0
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# Without its symbols: they are most of a development build.
strip -o "$out/almoner" "$binary"
deb=$(DEB_LEVEL=0 packaging/deb.sh "$out/almoner" "$out")
contents=$(dpkg-deb --contents "$deb")
for path in ./usr/bin/almoner ./usr/lib/systemd/system/almoner.service ./usr/lib/sysusers.d/almoner.conf \
    ./etc/almoner/almoner.toml ./usr/share/man/man1/almoner.1.gz ./usr/share/man/man1/almoner-restore.1.gz \
    ./usr/share/bash-completion/completions/almoner ./usr/share/doc/almoner/sbom.cdx.json ./usr/share/doc/almoner/copyright; do
    printf '%s\n' "$contents" | grep -q " $path\$" || { echo "the package lacks $path"; exit 1; }
done
if printf '%s\n' "$contents" | grep -vq ' root/root '; then
    echo "something in the package does not belong to root"
    exit 1
fi
test "$(dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles)" = /etc/almoner/almoner.toml
(cd "$out" && sha256sum --quiet -c ./*.sha256)
# The settings that ship have nothing wrong but what somebody must write.
wrong=$("$out/almoner" config check --config packaging/almoner.toml || true)
test "$(printf '%s\n' "$wrong" | grep -c .)" = 2 || { echo "the settings that ship: $wrong"; exit 1; }
echo "the package is whole: $(du -h "$deb" | cut -f1), $(printf '%s\n' "$contents" | wc -l) entries"
