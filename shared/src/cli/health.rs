//! The verb `health`: asks a service of this machine, over its own `/readyz`, whether it is ready. It is for health
//! checks where there is neither a shell nor curl, as in a container.

use super::{CliError, Exit};
use crate::telemetry::TelemetrySettings;
use anyhow::{Context as _, anyhow, bail};
use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
};

/// A service that takes longer to say how it is, is not well.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// The answer is a line for each part of a process.
const MOST_BYTES: u64 = 64 * 1024;

/// Asks the service that runs here with the same settings; says on `out` that it is ready.
///
/// # Errors
/// When it is not, or does not answer, with the reason; when its address is not a fixed one.
pub async fn health(telemetry: &TelemetrySettings, out: &mut dyn Write) -> Result<(), CliError> {
    let address = address(&telemetry.listen).await.map_err(|error| CliError::new(Exit::Config, error))?;
    let answer = tokio::time::timeout(ANSWERS_WITHIN, ask(address))
        .await
        .unwrap_or_else(|_| Err(anyhow!("nothing within {} s", ANSWERS_WITHIN.as_secs())))
        .with_context(|| format!("no service answers at {address} (telemetry.listen)"))
        .and_then(|answer| judge(&answer))
        .map_err(|error| CliError::new(Exit::Failed, error))?;
    writeln!(out, "{answer}").map_err(|error| CliError::new(Exit::Output, error))
}

/// Where a service that listens there can be reached from this machine.
async fn address(listen: &str) -> anyhow::Result<SocketAddr> {
    if listen.is_empty() {
        bail!("telemetry.listen is empty, so the service tells nobody how it is; set it to ADDRESS:PORT");
    }
    let mut address = lookup_host(listen)
        .await
        .map_err(anyhow::Error::from)
        .and_then(|mut found| found.next().context("the name has no address"))
        .with_context(|| format!("telemetry.listen = {listen:?} is no ADDRESS:PORT"))?;
    if address.port() == 0 {
        bail!("telemetry.listen = {listen:?} lets the service take any free port; give it a fixed one");
    }
    // To listen on all addresses is to listen on loopback too.
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

async fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What a ready service says; what the other kind says is the error.
fn judge(answer: &str) -> anyhow::Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").context("what answers does not speak HTTP")?;
    let body = body.trim().replace('\n', "; ");
    match head.split(' ').nth(1) {
        Some("200") => Ok(body),
        Some("503") => bail!("not ready: {body}"),
        _ => bail!("what answers is not a service of ours: {}", head.lines().next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Health, Metrics, serve};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    async fn check(listen: &str) -> Result<String, (Exit, String)> {
        let telemetry = TelemetrySettings { listen: listen.to_owned(), ..TelemetrySettings::default() };
        let mut out = Vec::new();
        let asked = health(&telemetry, &mut out).await;
        asked.map_err(|error| (error.exit, error.to_string()))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn it_says_what_the_service_says() {
        let (state, shutdown) = (Health::default(), CancellationToken::new());
        let part = state.component("scraper: broker", "not connected yet");
        let served = serve("0.0.0.0:0", Metrics::default(), state.clone(), shutdown.clone()).await.unwrap();
        let everywhere = format!("0.0.0.0:{}", served.unwrap().port());

        let (exit, why) = check(&everywhere).await.unwrap_err();
        assert_eq!(exit, Exit::Failed);
        assert_eq!(why, "not ready: scraper: broker: not connected yet");
        part.ready();
        assert_eq!(check(&everywhere).await.unwrap(), "ready\n");
        shutdown.cancel();
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_asked_is_a_matter_of_configuration() {
        for (listen, word) in [("", "is empty"), ("127.0.0.1:0", "a fixed one"), ("9400", "no ADDRESS:PORT")]
        {
            let (exit, why) = check(listen).await.unwrap_err();
            assert_eq!(exit, Exit::Config, "{why}");
            assert!(why.contains(word), "{why}");
        }
    }

    #[tokio::test]
    async fn silence_and_strangers_are_not_health() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stranger = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
        };
        let (asked, ()) = tokio::join!(check(&address), stranger);
        assert_eq!(asked.unwrap_err().0, Exit::Failed);

        drop(listener);
        let (exit, why) = check(&address).await.unwrap_err();
        assert_eq!(exit, Exit::Failed);
        assert!(why.contains("no service answers at"), "{why}");
    }
}
