"""Runs the binary's backups against a real S3-compatible server. See s3.sh."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

binary, moto = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
BUCKET = "charity-backups"
children = []


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(*command, env=None):
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    children.append(child)
    return child


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the S3 server does not start")


def access(endpoint):
    """A user who may use the bucket; the server lets the first four requests through without a key."""
    anyone = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    iam = boto3.client("iam", **anyone)
    iam.create_user(UserName="almoner")
    key = iam.create_access_key(UserName="almoner")["AccessKey"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="almoner", PolicyName="all", PolicyDocument=json.dumps(everything))
    boto3.client("s3", **anyone).create_bucket(Bucket=BUCKET)
    return key["AccessKeyId"], key["SecretAccessKey"]


def run(env, *arguments, code=0):
    done = subprocess.run([binary, *arguments], env=env, capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def main(folder):
    port = free_port()
    start(moto, "-p", str(port), env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"})
    wait_for(port)
    endpoint = f"http://127.0.0.1:{port}"
    key_id, secret = access(endpoint)
    public = run(os.environ, "backup", "key", "--out", str(folder / "identity")).split()[0]
    settings = folder / "almoner.toml"
    settings.write_text(f'[backup]\ntarget = "s3://{BUCKET}/one/two"\ns3_endpoint = "{endpoint}"\nrecipient = "{public}"\n')
    crm = start(binary, "simulate", "twenty", "--people", "300", "--gifts", "600", "--seed", "3")
    url, token = (crm.stdout.readline().split()[-1] for _ in range(2))
    env = {**os.environ, "ALMONER_CONFIG": str(settings), "TWENTY_API_BASE_URL": url, "TWENTY_API_KEY": token,
           "ALMONER_BACKUP_S3_KEY_ID": key_id, "ALMONER_BACKUP_S3_SECRET": secret, "ALMONER_DATA": str(folder / "data")}
    server = start(binary, "serve", "--listen", "127.0.0.1:0", env=env)
    server.stdout.readline()
    for _ in range(3):
        said = run(env, "backup")
        assert "Backed up as almoner-" in said, said
    newest = re.search(r"almoner-\S+?:", said)[0].rstrip(":")
    assert "The drill passed" in run(env, "drill")
    assert newest in run(env, "backup", "list")
    assert run(env, "backup", "verify").count("is whole.") >= 3
    server.send_signal(signal.SIGTERM)
    server.wait()
    fresh = {**env, "ALMONER_DATA": str(folder / "fresh")}
    said = run(fresh, "restore", newest, "--identity", str(folder / "identity"), "--yes")
    assert "Restored and proven" in said, said
    assert "The ledger is whole" in run(fresh, "verify")
    # What is damaged or gone at the store is named, and a wrong key is said to be one.
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key_id, aws_secret_access_key=secret)
    part = f"one/two/{newest}/part-00000.age"
    bytes_ = bytearray(s3.get_object(Bucket=BUCKET, Key=part)["Body"].read())
    bytes_[len(bytes_) // 2] ^= 1
    s3.put_object(Bucket=BUCKET, Key=part, Body=bytes(bytes_))
    assert f"{newest}/part-00000.age is damaged" in run(env, "backup", "verify", newest, code=1)
    s3.delete_object(Bucket=BUCKET, Key=part)
    assert f"{newest}/part-00000.age is missing" in run(env, "backup", "verify", newest, code=1)
    said = run({**env, "ALMONER_BACKUP_S3_SECRET": "wrong"}, "backup", "list", code=1)
    assert "does not allow it" in said and "wrong" not in said, said
    print("backups to an S3-compatible server: taken, listed, checked, drilled, restored; damage and a wrong key named")


with tempfile.TemporaryDirectory() as at:
    try:
        main(Path(at))
    finally:
        for child in children:
            child.kill()
            child.wait()
