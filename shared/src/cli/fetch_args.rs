//! The flags that say how a job fetches: `scraper fetch`, `url-manager seed` and `trawl crawl` have the same.

use super::{CliError, Exit};
use crate::model::{
    Auth, Credentials, DEFAULT_USER_AGENT, FetchBounds, FetchSettings, Oversize, PaceMode, ProxyUrl,
    RequestHeader, RobotsPolicy, Secret, TlsSettings, TypeRules,
};
use anyhow::{Context as _, anyhow};
use bytesize::ByteSize;
use humantime::Duration as HumanDuration;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How pages are fetched.
#[derive(Clone, Debug, clap::Args)]
pub struct FetchArgs {
    /// User-Agent header; robots.txt groups are matched by its product token
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_USER_AGENT)]
    pub user_agent: String,
    /// Do not obey robots.txt, robots meta tags and nofollow: only for sites of your own
    #[arg(long)]
    pub ignore_robots: bool,
    /// Requests at once to one host
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub per_host: u16,
    /// Let the gap of a slow or failing host grow up to this, such as 30s
    #[arg(long, value_name = "DURATION")]
    pub adaptive_delay: Option<HumanDuration>,
    /// Bound on one fetch from connect to last byte
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub timeout: HumanDuration,
    /// Bound on look-up, connection and TLS handshake
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub connect_timeout: HumanDuration,
    /// Bound on the wait for the answer's header
    #[arg(long, value_name = "DURATION", default_value = "20s")]
    pub headers_timeout: HumanDuration,
    /// Least bytes a second of a body, counted over ten seconds; 0B is no bound
    #[arg(long, value_name = "SIZE", default_value = "64B")]
    pub min_rate: ByteSize,
    /// Longest body kept, decompressed
    #[arg(long, value_name = "SIZE", default_value = "10MiB")]
    pub max_body: ByteSize,
    /// What becomes of a longer one: its beginning is kept, or the page is left out
    #[arg(long, value_name = "WHAT", default_value = "cut", value_enum)]
    pub oversize: OversizeArg,
    /// Redirects in a row that are followed
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub max_redirects: u8,
    /// Keep pages of this media type only, such as text/html or image/*; repeatable
    #[arg(long, value_name = "TYPE")]
    pub accept_type: Vec<String>,
    /// Leave pages of this media type out; repeatable
    #[arg(long, value_name = "TYPE")]
    pub deny_type: Vec<String>,
    /// Keep cookies and send them back (RFC 6265)
    #[arg(long)]
    pub cookies: bool,
    /// Fetch the sitemaps that robots.txt names
    #[arg(long)]
    pub sitemaps: bool,
    /// Add a header to every request, whoever is asked; repeatable
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<RequestHeader>,
    /// Log in: basic:USER:PASSWORD, bearer:TOKEN, header:NAME:VALUE or cookie:NAME=VALUE; repeatable, one a line in
    /// the variable
    #[arg(
        long,
        value_name = "KIND:VALUE",
        env = "TRAWL_AUTH",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub auth: Vec<Auth>,
    /// Host that --auth and --client-cert are for, `*` for all; repeatable [default: the hosts of the given URLs]
    #[arg(long, value_name = "HOST")]
    pub auth_host: Vec<String>,
    /// Go through a proxy (http, https, socks5 or socks5h URL); with several, each host keeps to one that works
    #[arg(long, value_name = "URL")]
    pub proxy: Vec<ProxyUrl>,
    /// Trust the CA certificates of a PEM file as well; repeatable
    #[arg(long, value_name = "FILE")]
    pub ca_file: Vec<PathBuf>,
    /// Client certificate (with its chain), PEM
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Private key of the client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Take any TLS certificate for good: whoever sits on the line can read and change everything
    #[arg(long)]
    pub insecure: bool,
    /// Dial loopback, private and other special addresses too
    #[arg(long)]
    pub allow_private_addresses: bool,
}

/// See [`FetchArgs::oversize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OversizeArg {
    /// The beginning is kept, and marked as cut
    Cut,
    /// The URL is excluded as too_large
    Exclude,
}

impl FetchArgs {
    /// The settings that these flags ask for, with credentials for `hosts` where no flag names others.
    /// The gap between requests is the caller's to set.
    ///
    /// # Errors
    /// When a file of certificates can't be read.
    pub fn settings<'a>(&self, hosts: impl IntoIterator<Item = &'a str>) -> Result<FetchSettings, CliError> {
        Ok(FetchSettings {
            user_agent: self.user_agent.clone(),
            robots: if self.ignore_robots { RobotsPolicy::Ignore } else { RobotsPolicy::Obey },
            timeout_ms: millis(*self.timeout),
            max_body: self.max_body.as_u64(),
            per_host: self.per_host,
            allow_private_addresses: self.allow_private_addresses,
            bounds: FetchBounds {
                connect_ms: millis(*self.connect_timeout),
                headers_ms: millis(*self.headers_timeout),
                min_rate: self.min_rate.as_u64(),
                max_redirects: self.max_redirects,
            },
            pace: self
                .adaptive_delay
                .map_or(PaceMode::Fixed, |longest| PaceMode::Adaptive { max_delay_ms: millis(*longest) }),
            oversize: match self.oversize {
                OversizeArg::Cut => Oversize::Cut,
                OversizeArg::Exclude => Oversize::Exclude,
            },
            types: TypeRules { accept: self.accept_type.clone(), deny: self.deny_type.clone() },
            cookies: self.cookies,
            sitemaps: self.sitemaps,
            headers: self.header.clone(),
            credentials: self.credentials(hosts),
            proxies: self.proxy.clone(),
            tls: self.tls()?,
            ..FetchSettings::default()
        })
    }

    fn credentials<'a>(&self, hosts: impl IntoIterator<Item = &'a str>) -> Credentials {
        if self.auth.is_empty() && self.client_cert.is_none() {
            return Credentials::default();
        }
        let mut hosts: Vec<String> = if self.auth_host.is_empty() {
            hosts.into_iter().map(str::to_owned).collect()
        } else {
            self.auth_host.clone()
        };
        hosts.sort_unstable();
        hosts.dedup();
        Credentials { hosts, auth: self.auth.clone() }
    }

    fn tls(&self) -> Result<TlsSettings, CliError> {
        let ca = self.ca_file.iter().map(|path| pem(path, "CERTIFICATE")).collect::<Result<_, _>>()?;
        let client = match (&self.client_cert, &self.client_key) {
            (Some(certificate), Some(key)) => {
                let certificate = pem(certificate, "CERTIFICATE")?;
                Some(Secret::new(format!("{certificate}\n{}", pem(key, "PRIVATE KEY")?)))
            }
            _ => None,
        };
        Ok(TlsSettings { ca, client, insecure: self.insecure })
    }
}

/// The text of a PEM file that holds a block of this kind.
fn pem(path: &Path, kind: &str) -> Result<String, CliError> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("{} can't be read", path.display()))
        .map_err(|error| CliError::new(Exit::Usage, error))?;
    let holds = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(kind));
    if holds {
        Ok(text)
    } else {
        let why = anyhow!("{} holds no PEM block of a {}", path.display(), kind.to_ascii_lowercase());
        Err(CliError::new(Exit::Usage, why))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        fetch: FetchArgs,
    }

    fn settings(flags: &[&str]) -> Result<FetchSettings, CliError> {
        Flags::try_parse_from([&["x"], flags].concat()).unwrap().fetch.settings([
            "b.example",
            "a.example",
            "b.example",
        ])
    }

    #[test]
    fn without_flags_it_is_the_default() {
        assert_eq!(settings(&[]).unwrap(), FetchSettings::default());
    }

    #[test]
    fn each_flag_has_its_place() {
        let flags = "--user-agent x/1 --ignore-robots --per-host 5 --adaptive-delay 40s --timeout 6s \
                     --connect-timeout 2s --headers-timeout 3s --min-rate 0B --max-body 7KiB --oversize exclude \
                     --max-redirects 3 --accept-type text/html --deny-type image/* --cookies --sitemaps --header X-A:b \
                     --auth basic:me:pw --auth bearer:t --proxy http://proxy.example:3128 --insecure \
                     --allow-private-addresses";
        let found = settings(&flags.split_whitespace().collect::<Vec<_>>()).unwrap();
        let expected = FetchSettings {
            user_agent: "x/1".to_owned(),
            robots: RobotsPolicy::Ignore,
            timeout_ms: 6_000,
            max_body: 7 * 1024,
            per_host: 5,
            allow_private_addresses: true,
            bounds: FetchBounds { connect_ms: 2_000, headers_ms: 3_000, min_rate: 0, max_redirects: 3 },
            pace: PaceMode::Adaptive { max_delay_ms: 40_000 },
            oversize: Oversize::Exclude,
            types: TypeRules { accept: vec!["text/html".to_owned()], deny: vec!["image/*".to_owned()] },
            cookies: true,
            sitemaps: true,
            headers: vec!["X-A: b".parse().unwrap()],
            credentials: Credentials {
                hosts: vec!["a.example".to_owned(), "b.example".to_owned()],
                auth: vec!["basic:me:pw".parse().unwrap(), "bearer:t".parse().unwrap()],
            },
            proxies: vec!["http://proxy.example:3128".parse().unwrap()],
            tls: TlsSettings { insecure: true, ..TlsSettings::default() },
            ..FetchSettings::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn credentials_are_for_whom_they_are_named_for() {
        let found = settings(&["--auth", "bearer:t", "--auth-host", "c.example"]).unwrap();
        assert_eq!(found.credentials.hosts, ["c.example"]);
        assert_eq!(settings(&["--auth-host", "c.example"]).unwrap().credentials, Credentials::default());
    }

    #[test]
    fn certificates_are_read_into_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = file("c.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
        let key = file("k.pem", "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n");
        let found =
            settings(&["--ca-file", &certificate, "--client-cert", &certificate, "--client-key", &key])
                .unwrap();
        assert!(found.tls.ca[0].contains("BEGIN CERTIFICATE"));
        assert!(found.tls.client.unwrap().expose().contains("PRIVATE KEY"));
        assert_eq!(found.credentials.hosts, ["a.example", "b.example"]);

        for (path, word) in [("nowhere.pem", "can't be read"), (key.as_str(), "no PEM block")] {
            let error = settings(&["--ca-file", path]).unwrap_err();
            assert_eq!(error.exit, Exit::Usage);
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
