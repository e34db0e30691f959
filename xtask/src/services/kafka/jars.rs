//! Kafka's jars: named with their SHA-256 in `xtask/kafka-jars.lock`, fetched once from Maven Central.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::layout::Layout;
use crate::services::Service;
use crate::services::wait::pause;

const LOCK: &str = include_str!("../../../kafka-jars.lock");
const CENTRAL: &str = "https://repo.maven.apache.org/maven2";
const AT_ONCE: usize = 4;
const ATTEMPTS: u32 = 4;
/// No jar of the list is a quarter of this.
const LARGEST: u64 = 64 << 20;

/// One line of the lock file.
#[derive(Debug, PartialEq)]
struct Jar<'a> {
    group: &'a str,
    artifact: &'a str,
    version: &'a str,
    sha256: &'a str,
}

impl Jar<'_> {
    fn file(&self) -> String {
        format!("{}-{}.jar", self.artifact, self.version)
    }

    fn url(&self) -> String {
        format!(
            "{CENTRAL}/{}/{}/{}/{}",
            self.group.replace('.', "/"),
            self.artifact,
            self.version,
            self.file()
        )
    }
}

/// The lock file: the Java that the broker needs, and its jars.
struct Lock<'a> {
    java: u32,
    jars: Vec<Jar<'a>>,
}

impl<'a> Lock<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (mut java, mut jars) = (None, Vec::new());
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let (name, value) =
                line.split_once(' ').with_context(|| format!("line {number} has one word"))?;
            if name == "java" {
                java = Some(value.parse().with_context(|| format!("line {number}: not a version of Java"))?);
                continue;
            }
            let [group, artifact, version] = name.split(':').collect::<Vec<_>>()[..] else {
                bail!("line {number}: not group:artifact:version");
            };
            ensure!(
                value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "line {number}: not a SHA-256"
            );
            jars.push(Jar { group, artifact, version, sha256: value });
        }
        Ok(Self { java: java.context("there is no `java` line")?, jars })
    }

    fn committed() -> Lock<'static> {
        Lock::parse(LOCK).expect("a test parses the committed kafka-jars.lock")
    }
}

/// The oldest Java that runs this broker.
pub(super) fn needs_java() -> u32 {
    Lock::committed().java
}

/// The version of Kafka that the lock file names.
pub(super) fn version() -> &'static str {
    let lock = Lock::committed();
    lock.jars.iter().find(|jar| jar.artifact.starts_with("kafka_")).map_or("?", |jar| jar.version)
}

/// The folder with all jars. What is missing is fetched; a jar whose content differs from the lock is refused.
pub(crate) fn fetch(layout: &Layout) -> Result<PathBuf> {
    let lock = Lock::committed();
    let libs = layout.cache("kafka").join(version()).join("libs");
    fs::create_dir_all(&libs).with_context(|| format!("cannot create {}", libs.display()))?;
    // A jar gets its name only after its content was checked, so a name that is there is enough.
    let missing: Vec<_> = lock.jars.iter().filter(|jar| !libs.join(jar.file()).exists()).collect();
    if missing.is_empty() {
        return Ok(libs);
    }
    let total = missing.len();
    Service::Kafka.say(format_args!(
        "fetching {total} jars of Apache Kafka {} from Maven Central to {}",
        version(),
        libs.display()
    ));
    let began = Instant::now();
    let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let agent = agent();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(jar) = missing.get(index) else { return Ok(()) };
                        let size = fetch_one(&agent, jar, &libs)?;
                        let sum = bytes.fetch_add(size, Ordering::Relaxed) + size;
                        if index % 8 == 7 {
                            Service::Kafka.say(format_args!(
                                "{} of {total} jars, {} MB",
                                index + 1,
                                sum >> 20
                            ));
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a download panicked")))
    })?;
    Service::Kafka.say(format_args!(
        "fetched {total} jars, {} MB in {:.1} s",
        bytes.into_inner() >> 20,
        began.elapsed().as_secs_f64()
    ));
    Ok(libs)
}

fn agent() -> Agent {
    // The system's certificates, so that a company's own authority is trusted as by every other tool.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_global(Some(Duration::from_secs(300)))
        .build()
        .into()
}

fn fetch_one(agent: &Agent, jar: &Jar<'_>, libs: &Path) -> Result<usize> {
    let url = jar.url();
    let mut attempt = 1;
    let content = loop {
        match read(agent, &url) {
            Ok(content) => break content,
            Err(error) if attempt < ATTEMPTS => {
                Service::Kafka.say(format_args!("{url}: {error}; trying again"));
                pause(Duration::from_secs(1 << attempt));
                attempt += 1;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot fetch {url}")),
        }
    };
    check(jar, &content).with_context(|| format!("refusing {url}"))?;
    let target = libs.join(jar.file());
    let draft = libs.join(format!("{}.part", jar.file()));
    File::create(&draft)
        .and_then(|mut file| file.write_all(&content))
        .and_then(|()| fs::rename(&draft, &target))
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(content.len())
}

fn read(agent: &Agent, url: &str) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    agent
        .get(url)
        .call()?
        .into_body()
        .into_with_config()
        .limit(LARGEST)
        .reader()
        .read_to_end(&mut content)?;
    Ok(content)
}

fn check(jar: &Jar<'_>, content: &[u8]) -> Result<()> {
    let actual: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(actual == jar.sha256, "its SHA-256 is {actual}, but kafka-jars.lock says {}", jar.sha256);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_lock_names_a_broker_and_what_it_needs() {
        let lock = Lock::parse(LOCK).unwrap();
        assert_eq!(lock.java, 17);
        let of = |artifact| lock.jars.iter().find(|jar| jar.artifact == artifact);
        let broker = of("kafka_2.13").unwrap();
        assert!(broker.version.starts_with("4."));
        assert_eq!(of("kafka-clients").unwrap().version, broker.version);
        assert!(of("log4j-slf4j-impl").is_some(), "without it the broker's log is empty");
        assert_eq!(
            broker.url(),
            format!("{CENTRAL}/org/apache/kafka/kafka_2.13/{0}/kafka_2.13-{0}.jar", broker.version)
        );
    }

    #[test]
    fn a_damaged_line_is_named() {
        let hash = "0".repeat(64);
        for (text, expected) in [
            ("java 17\nlonely".to_owned(), "line 2 has one word"),
            (format!("java 17\na:b {hash}"), "line 2: not group:artifact:version"),
            ("java 17\na:b:1 beef".to_owned(), "line 2: not a SHA-256"),
            (format!("a:b:1 {hash}"), "there is no `java` line"),
        ] {
            let Err(error) = Lock::parse(&text) else { panic!("{text} was accepted") };
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn other_content_is_refused() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let jar = Jar { group: "g", artifact: "a", version: "1", sha256: empty };
        assert!(check(&jar, b"").is_ok());
        assert!(check(&jar, b"x").unwrap_err().to_string().contains("kafka-jars.lock says e3b0"));
    }
}
