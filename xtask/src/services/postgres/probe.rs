//! Asking PostgreSQL whether it takes connections, in its own protocol: as `pg_isready` does, without needing it.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const PATIENCE: Duration = Duration::from_secs(2);
const STATEMENT_WITHIN: Duration = Duration::from_secs(60);
const PROTOCOL: i32 = 3 << 16;
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];
const DEFAULT_PORT: u16 = 5432;
/// "The database system is starting up", or shutting down, or recovering.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// Says hello at the address of a `postgres://` URL. Who is asked for a password was let in far enough.
pub(crate) fn answers(url: &str) -> Result<()> {
    let target = Target::parse(url)?;
    let address = (target.host, target.port)
        .to_socket_addrs()
        .with_context(|| format!("unknown host {}", target.host))?
        .next()
        .context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&hello(&target))?;
    let mut kind = [0];
    if stream.read_exact(&mut kind).is_err() {
        bail!("it took the connection but did not answer");
    }
    match kind[0] {
        b'R' => {
            // A goodbye, or the server's log tells of a client that broke off.
            stream.write_all(&TERMINATE)?;
            drop(std::io::copy(&mut stream, &mut std::io::sink()));
            Ok(())
        }
        b'E' => {
            let mut rest = Vec::new();
            // The server closes after an error; whatever came is enough to read its code.
            drop(stream.read_to_end(&mut rest));
            refusal(rest.get(4..).unwrap_or_default())
        }
        _ => bail!("it answers, but not as PostgreSQL does"),
    }
}

/// Makes a database on the server of a URL, by whoever the URL names.
pub(crate) fn create_database(url: &str, name: &str) -> Result<()> {
    let target = Target::parse(url)?;
    let mut stream = TcpStream::connect((target.host, target.port))?;
    stream.set_read_timeout(Some(STATEMENT_WITHIN))?;
    stream.write_all(&hello(&target))?;
    until_ready(&mut stream)?;
    let statement = format!("CREATE DATABASE \"{name}\"\0");
    stream.write_all(b"Q")?;
    stream.write_all(&(statement.len() as i32 + 4).to_be_bytes())?;
    stream.write_all(statement.as_bytes())?;
    until_ready(&mut stream).with_context(|| format!("cannot make the database {name}"))?;
    stream.write_all(&TERMINATE)?;
    Ok(())
}

/// Reads messages until the server waits for the next statement.
fn until_ready(stream: &mut TcpStream) -> Result<()> {
    let mut refused = Ok(());
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, size @ ..] = head;
        let size = usize::try_from(i32::from_be_bytes(size) - 4)
            .context("it answers, but not as PostgreSQL does")?;
        let mut body = vec![0; size];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return refused,
            b'E' => refused = refusal(&body),
            _ => {}
        }
    }
}

#[derive(Debug, PartialEq)]
struct Target<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
    database: &'a str,
}

impl<'a> Target<'a> {
    fn parse(url: &'a str) -> Result<Self> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .context("not a postgres:// URL")?;
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().context("not a port number")?),
            _ => (place, DEFAULT_PORT),
        };
        let user = login.split(':').next().filter(|user| !user.is_empty()).unwrap_or("postgres");
        let database = if database.is_empty() { user } else { database };
        Ok(Self { host: host.trim_start_matches('[').trim_end_matches(']'), port, user, database })
    }
}

fn hello(target: &Target<'_>) -> Vec<u8> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for word in ["user", target.user, "database", target.database] {
        body.extend(word.bytes().chain([0]));
    }
    body.push(0);
    let mut message = (body.len() as i32 + 4).to_be_bytes().to_vec();
    message.append(&mut body);
    message
}

/// An error is a list of fields: a letter, a text, a zero. `C` is the code, `M` the message.
fn refusal(fields: &[u8]) -> Result<()> {
    let field = |letter: u8| {
        fields
            .split(|byte| *byte == 0)
            .find(|field| field.first() == Some(&letter))
            .map_or_else(|| "?".to_owned(), |field| String::from_utf8_lossy(&field[1..]).into_owned())
    };
    let (code, message) = (field(b'C'), field(b'M'));
    if code == CANNOT_CONNECT_NOW {
        bail!("not yet: {message}");
    }
    bail!("it refuses the connection: {message} ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let target = |host, port, user, database| Target { host, port, user, database };
        for (url, expected) in [
            ("postgres://trawl@127.0.0.1:20001/crawl", target("127.0.0.1", 20001, "trawl", "crawl")),
            ("postgresql://a:p@b@db.example/x?sslmode=require", target("db.example", 5432, "a", "x")),
            ("postgres://[::1]:6000", target("::1", 6000, "postgres", "postgres")),
            ("postgres://u@[::1]/", target("::1", 5432, "u", "u")),
        ] {
            assert_eq!(Target::parse(url).unwrap(), expected, "{url}");
        }
        assert!(Target::parse("mysql://a").is_err());
    }

    #[test]
    fn a_refusal_says_whether_waiting_helps() {
        let starting = refusal(b"SFATAL\0C57P03\0Mthe database system is starting up\0\0").unwrap_err();
        assert_eq!(starting.to_string(), "not yet: the database system is starting up");
        let missing = refusal(b"SFATAL\0C3D000\0Mdatabase \"x\" does not exist\0\0").unwrap_err();
        assert_eq!(missing.to_string(), "it refuses the connection: database \"x\" does not exist (3D000)");
    }
}
