//! Backups with the real binary: beside a server, alone, restored on the same machine and on a new one.

use std::process::Output;

use super::*;

struct Keys {
    target: std::path::PathBuf,
    identity: std::path::PathBuf,
    recipient: String,
}

impl Keys {
    fn make(folder: &Path) -> Self {
        let (target, identity) = (folder.join("backups"), folder.join("identity.txt"));
        std::fs::create_dir(&target).expect("a folder");
        let mut command = almoner(&["backup", "key", "--out"]);
        let out = command.arg(&identity).output().expect("the command runs");
        let text = String::from_utf8(out.stdout).expect("text");
        let recipient = text.lines().next().expect("a public key").to_owned();
        assert!(recipient.starts_with("age1") && identity.exists(), "{text}");
        Self { target, identity, recipient }
    }

    fn env<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("ALMONER_BACKUP_TARGET", &self.target).env("ALMONER_BACKUP_RECIPIENT", &self.recipient)
    }

    fn run(&self, data: &Path, arguments: &[&str]) -> Output {
        let mut command = almoner(arguments);
        self.env(&mut command).arg("--data").arg(data).stderr(Stdio::piped());
        command.output().expect("the command runs")
    }

    fn told(&self, data: &Path, arguments: &[&str]) -> String {
        let output = self.run(data, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

fn server(folder: &Path, crm: &Crm, keys: &Keys, first: bool) -> Server {
    Server::start_with(folder, crm, first, |command| {
        keys.env(command);
    })
}

#[test]
fn a_backup_beside_a_server_comes_back_on_this_machine_and_on_a_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let keys = Keys::make(folder.path());
    let crm = Crm::start("3");
    let running = server(&data, &crm, &keys, true);
    let cookie = running.set_up();
    let batch = start_batch(&running, &cookie, 3);
    let said = keys.told(&data, &["backup"]);
    assert!(said.starts_with("Backed up as almoner-"), "{said}");
    assert!(keys.told(&data, &["drill"]).starts_with("The drill passed"));
    let set = said.split_whitespace().nth(3).expect("a name").trim_end_matches(':').to_owned();
    // After the backup the gifts are posted.
    running.json("POST", &format!("{batch}/process"), &cookie, &json!({}));
    running.until(&batch, &cookie, |batch| batch["data"]["giftBatch"]["status"] == "processed");
    let posted = crm.posted();
    assert_eq!(posted, [1_000_000, 2_000_000, 3_000_000]);
    let refused = keys.run(&data, &["restore", "--yes"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a server runs"), "{refused:?}");
    let (status, _, text) = running.request("GET", "/healthz?verbose", &cookie, "").expect("an answer");
    assert!(status == 200 && text.contains("backup") && text.contains("drill"), "{status} {text}");
    running.kill();
    // Without a server: another backup, the list, the check.
    assert!(keys.told(&data, &["backup"]).starts_with("Backed up as"));
    let listed = keys.told(&data, &["backup", "list"]);
    assert!(listed.lines().count() >= 2 && listed.contains(&set), "{listed}");
    assert!(keys.told(&data, &["backup", "verify"]).lines().all(|line| line.ends_with("is whole.")));
    // A plan does nothing; then the older one comes back.
    let planned = keys.run(&data, &["restore", &set, "--plan"]);
    assert_eq!(planned.status.code(), Some(2));
    let text = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(text.contains("3 gift(s) posted after it") && text.contains("Nothing was done"), "{text}");
    let done = keys.told(&data, &["restore", &set, "--yes"]);
    assert!(done.contains("Restored and proven") && done.contains("before-restore"), "{done}");
    let running = server(&data, &crm, &keys, false);
    let (status, _, _) = running.request("GET", "/api/session", &cookie, "").expect("an answer");
    assert_eq!(status, 401, "everybody signs in again");
    running.kill();
    assert!(keys.told(&data, &["verify"]).starts_with("The ledger is whole"));
    assert_eq!(crm.posted(), posted);
    // A new machine has the identity file and nothing else, and too little room the first time.
    let fresh = folder.path().join("fresh");
    let arguments = ["restore", "--yes", "--from"].map(String::from);
    let restore = |limit: &str| {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_almoner")]).args(&arguments);
        command.arg(&keys.target).arg("--identity").arg(&keys.identity).arg("--data").arg(&fresh);
        command.output().expect("the command runs")
    };
    let full = restore("100");
    assert!(!full.status.success());
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(said.contains("no room for the restored ledger"), "{said}");
    assert_eq!(std::fs::read_dir(&fresh).expect("the folder").count(), 0, "nothing is left of it");
    let done = restore("unlimited");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("there is no secret.key"));
    assert!(keys.told(&fresh, &["verify"]).starts_with("The ledger is whole"));
}
