#!/bin/sh
# Makes the .deb, the tarball, the bill of materials and the checksums of a built binary:
#   packaging/deb.sh BINARY OUT
# dpkg-deb and not cargo-deb: one tool that every Debian has instead of eighty crates, and the scripts stand here to be read.
set -eu
cd "$(dirname "$0")/.."
binary=${1:?which binary} out=${2:?where to}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
arch=$(dpkg --print-architecture 2>/dev/null || uname -m)
name=almoner-$version-$arch
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/deb
umask 022

put() { # put MODE FROM TO
    mkdir -p "$(dirname "$root/$3")"
    install -m "$1" "$2" "$root/$3"
}

put 755 "$binary" usr/bin/almoner
put 644 systemd/almoner.service usr/lib/systemd/system/almoner.service
put 644 packaging/sysusers.conf usr/lib/sysusers.d/almoner.conf
put 644 packaging/almoner.toml etc/almoner/almoner.toml
put 644 packaging/copyright usr/share/doc/almoner/copyright
gzip -9nc CHANGELOG.md >"$work/changelog.gz"
put 644 "$work/changelog.gz" usr/share/doc/almoner/changelog.gz
put 644 docs/OPERATIONS.md usr/share/doc/almoner/OPERATIONS.md
mkdir -p "$root/usr/share/man/man1"
"$binary" man "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
"$binary" completions bash >"$work/bash"
put 644 "$work/bash" usr/share/bash-completion/completions/almoner
"$binary" completions zsh >"$work/zsh"
put 644 "$work/zsh" usr/share/zsh/vendor-completions/_almoner
"$binary" completions fish >"$work/fish"
put 644 "$work/fish" usr/share/fish/vendor_completions.d/almoner.fish
packaging/sbom.py >"$out/$name.cdx.json"
put 644 "$out/$name.cdx.json" usr/share/doc/almoner/sbom.cdx.json

# The oldest C library that has every symbol the binary asks for.
libc=$(objdump -T "$binary" 2>/dev/null | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -1)
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: almoner
Version: $version
Architecture: $arch
Maintainer: Almoner <almoner@example.org>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: libc6 (>= ${libc:-2.31}), libgcc-s1
Recommends: systemd
Section: misc
Priority: optional
Description: plane between Twenty CRM and QuickBooks for small charities
 A ledger that forgets nothing, a staging desk for gifts, and posting that
 happens exactly once. One binary with its screens inside.
CONTROL
echo /etc/almoner/almoner.toml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 "packaging/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find usr etc -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group -Zxz ${DEB_LEVEL:+-z"$DEB_LEVEL"} --build "$root" "$out/almoner_${version}_$arch.deb" >/dev/null

# The same without a package manager.
mkdir -p "$work/$name"
cp -R "$root/usr" "$root/etc" LICENSE README.md "$work/$name/"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner -czf "$out/$name.tar.gz" "$name"
(cd "$out" && sha256sum "almoner_${version}_$arch.deb" "$name.tar.gz" "$name.cdx.json" >"$name.sha256")
echo "$out/almoner_${version}_$arch.deb"
