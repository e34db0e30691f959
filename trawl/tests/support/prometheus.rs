//! A Prometheus server, and what it answers.

use super::{Process, watch::root};
use serde_json::Value;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Whether a program of Prometheus is here. Says so where it is not.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: there is no {program} (on Debian it is in the package prometheus)");
    }
    found
}

/// A body over HTTP.
pub fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A server that scrapes every second. It ends with its handle.
pub struct Server {
    _process: Process,
    address: String,
    log: PathBuf,
}

impl Server {
    /// Scrapes these services, with the alert rules of the repository. `targets` are names with addresses.
    pub fn start(folder: &Path, targets: &[(String, String)]) -> Self {
        let targets: Vec<String> = targets
            .iter()
            .map(|(service, address)| {
                format!("{{ targets: ['{address}'], labels: {{ service: '{service}' }} }}")
            })
            .collect();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n- job_name: trawl\n  static_configs: [{}]\n",
            root().join("deploy/prometheus/rules/*.yml").display(),
            targets.join(", ")
        );
        let (file, log) = (folder.join("prometheus.yml"), folder.join("prometheus.log"));
        fs::write(&file, config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            // As in docker-compose.yml.
            .arg("--enable-feature=exemplar-storage")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { _process: Process(child), address, log }
    }

    /// Whether it answers queries.
    pub fn is_ready(&self) -> bool {
        get(&self.address, "/-/ready").is_some_and(|text| text.contains("Ready"))
    }

    /// The data of an answer of its API.
    #[track_caller]
    pub fn api(&self, path: &str) -> Value {
        let body = get(&self.address, path).unwrap_or_else(|| panic!("no answer to {path}"));
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].take()
    }

    /// What a query gives now: the values of its series, those that are no number left out.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<f64> {
        let data = self.api(&format!("/api/v1/query?query={}", escaped(expression)));
        let series = data["result"].as_array().unwrap();
        let values = series.iter().map(|series| series["value"][1].as_str().unwrap().parse().unwrap());
        values.filter(|value: &f64| !value.is_nan()).collect()
    }

    /// The traces of the exemplars of the last five minutes.
    #[track_caller]
    pub fn exemplars(&self, selector: &str) -> Vec<String> {
        let query = escaped(selector);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let path = format!("/api/v1/query_exemplars?query={query}&start={}&end={}", now - 300, now + 1);
        let data = self.api(&path);
        let series = data.as_array().unwrap().iter();
        let exemplars = series.flat_map(|series| series["exemplars"].as_array().unwrap());
        exemplars.filter_map(|exemplar| exemplar["labels"]["trace_id"].as_str().map(str::to_owned)).collect()
    }

    /// The lines of its log that are warnings or worse.
    pub fn complaints(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap().to_lowercase();
        let is_bad = |line: &&str| ["level=warn", "level=error"].iter().any(|level| line.contains(level));
        log.lines().filter(is_bad).map(str::to_owned).collect()
    }
}
