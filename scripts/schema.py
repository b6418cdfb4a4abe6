"""Runs schemathesis against a demo of ours and counts what came of it. Started by scripts/schema.sh."""

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

CASES = int(os.environ["CASES"])
# What holds a stream open, ends the session that asks, or signs others in and out is tested by hand.
LEFT_OUT = "/api/events|/api/session|/api/tokens|/api/users"


def start(binary):
    """A demo, its address and the link that signs in."""
    demo = subprocess.Popen([binary, "demo", "--port", "0", "--seed", "7", "--quiet"], stdout=subprocess.PIPE, text=True)
    told = ""
    for line in demo.stdout:
        told += line
        link = re.search(r"http://127\.0\.0\.1:\d+/login/once\?token=\S+", told)
        if link:
            return demo, link[0]
    raise SystemExit("the demo did not start")


def credentials(link):
    """An API token, and its owner's way of asking."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(link).read()
    base = re.match(r"http://[^/]+", link)[0]
    body = json.dumps({"name": "schema", "scopes": ["admin"]}).encode()
    head = {"content-type": "application/json", "origin": base}
    with opener.open(urllib.request.Request(base + "/api/tokens", body, head, method="POST")) as answer:
        made = json.load(answer)
    token = next(text for text in re.findall(r"alm_[\w-]+", json.dumps(made)))
    return base, token, opener


def taken_in(report):
    """Gifts that a reply said were made."""
    made = set()
    with open(report, encoding="utf-8") as har:
        for entry in json.load(har)["log"]["entries"]:
            path = entry["request"]["url"].split("?")[0]
            if entry["request"]["method"] != "POST" or not path.endswith(("/gift-staging", "/fundraising/gifts")):
                continue
            try:
                answer = json.loads(entry["response"]["content"].get("text") or "null")
            except ValueError:
                continue
            row = ((answer or {}).get("data") or {}).get("giftStaging") if isinstance(answer, dict) else None
            if entry["response"]["status"] == 200 and row:
                made.add(row["id"])
    return made


def main():
    demo, link = start(os.environ["ALMONER_BIN"])
    base, token, opener = credentials(link)
    operations = sum(
        method in ("get", "post", "patch", "put", "delete")
        for path, item in json.load(open("docs/openapi.json", encoding="utf-8"))["paths"].items()
        if not re.search(LEFT_OUT, path)
        for method in item
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [
            os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", os.path.abspath("docs/openapi.json"),
            "-u", base, "-H", f"Authorization: Bearer {token}", "--exclude-path-regex", LEFT_OUT,
            "-c", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--phases", "examples,coverage,fuzzing", "--max-examples", str(-(-CASES // operations)), "--seed", os.environ["SEED"],
            "--workers", "4", "--request-timeout", "60", "--suppress-health-check", "all", "--continue-on-failure",
            "--report", "har", "--report-har-path", "report.har",
        ]
        outcome = subprocess.run(command, cwd=folder, check=False)
        made = taken_in(os.path.join(folder, "report.har"))
    with opener.open(base + "/api/fundraising/gift-staging/ids") as answer:
        there = set(json.load(answer)["data"])
    lost = made - there
    print(f"{operations} operations; {len(made)} gifts were taken in on the way, {len(lost)} of them are lost")
    demo.terminate()
    demo.wait()
    raise SystemExit(outcome.returncode or bool(lost))


main()
