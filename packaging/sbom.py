#!/usr/bin/env python3
"""The bill of materials of the binary as CycloneDX 1.5: every crate that is linked in, with version, checksum, licence."""
import json
import subprocess
import tomllib

told = subprocess.run(
    ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"],
    check=True, capture_output=True, text=True,
).stdout
metadata = json.loads(told)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]
with open("Cargo.lock", "rb") as file:
    sums = {(p["name"], p["version"]): p.get("checksum") for p in tomllib.load(file)["package"]}

# What ships: normal dependencies, from the root on.
seen, waiting = set(), [root]
while waiting:
    one = waiting.pop()
    if one in seen:
        continue
    seen.add(one)
    for dependency in nodes[one]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
            waiting.append(dependency["pkg"])


def component(package, kind):
    name, version = package["name"], package["version"]
    found = {"type": kind, "name": name, "version": version, "bom-ref": f"pkg:cargo/{name}@{version}", "purl": f"pkg:cargo/{name}@{version}"}
    if package.get("license"):
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if sums.get((name, version)):
        found["hashes"] = [{"alg": "SHA-256", "content": sums[(name, version)]}]
    return found


parts = sorted((packages[one] for one in seen if one != root), key=lambda p: (p["name"], p["version"]))
print(json.dumps({
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "version": 1,
    "metadata": {"component": component(packages[root], "application")},
    "components": [component(part, "library") for part in parts],
}, indent=1))
