//! The synthetic web as a child process, so that its work is never on a crawler's bill.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::web::WebChoice;

/// A web that is being served by a child of this process. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Origin {
    child: Child,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Stats {
    requests: u64,
}

impl Origin {
    /// Serves the clean preset of `choice` on a free port.
    pub(super) fn start(choice: &WebChoice) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["web", "--profile", "docs", "--port", "0", "--until-stdin-closes"])
            .args(["--seed", &choice.seed.to_string()])
            .args(["--hosts", &choice.hosts.to_string()])
            .args(["--pages", &choice.pages.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the synthetic web")?;
        let stdout = child.stdout.take().context("the synthetic web has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            bail!("the synthetic web did not start: see above");
        };
        Ok(Self { address: address.parse()?, child })
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Requests since the last call.
    pub(super) fn take_requests(&self) -> anyhow::Result<u64> {
        let stats: Stats =
            serde_json::from_str(&self.ask("/__stats")?).context("the synthetic web's counts")?;
        self.ask("/__reset")?;
        Ok(stats.requests)
    }

    fn ask(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address).context("the synthetic web is gone")?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("the synthetic web answered no HTTP")?;
        Ok(body.to_owned())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        // The end of its input is its sign to stop.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
