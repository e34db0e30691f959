//! The Helm chart in `deploy/helm/trawl`: rendered by helm, its settings loaded as the services would, its objects held
//! against each other and against Kubernetes' own schemas. No cluster is needed. Where helm or kubectl-validate is not
//! installed, that part is left out, and said so.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use trawl_shared::{
    config::{self, Common, ConfigArgs, Section},
    message::Topic,
    sql::DatabaseUrl,
};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm/trawl");
const OURS: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];
/// Kubernetes versions whose schemas the objects must obey: the oldest that the chart allows, and a later one.
const VERSIONS: [&str; 2] = ["1.27", "1.30"];
/// Objects of operators, of which Kubernetes itself knows no schema.
const OF_OPERATORS: [&str; 2] = ["ServiceMonitor", "ScaledObject"];

const HELM: (&str, &str) = ("helm", "helm.sh/helm/v3/cmd/helm@v3.22.0");
const VALIDATE: (&str, &str) = ("kubectl-validate", "sigs.k8s.io/kubectl-validate@v0.0.4");

/// A tool that is installed: on the path, or where `go install` puts it.
fn tool((name, module): (&str, &str)) -> Option<PathBuf> {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    folders.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join("go/bin")));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!(
            "skipped: {name} is not installed (go install {module}); the chart was not held against it"
        );
    }
    found
}

/// The chart's objects with these values set.
fn render(sets: &[&str]) -> Option<Vec<Value>> {
    let output = Command::new(tool(HELM)?)
        .args(["template", "release", CHART, "--kube-version", "1.27.0", "--set"])
        .arg([&["secrets.databasePassword=p@ss"], sets].concat().join(","))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = text.split("\n---").filter(|text| text.contains("kind:"));
    Some(documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect())
}

/// All that can be switched on.
fn render_all() -> Option<Vec<Value>> {
    render(&[
        "serviceMonitor.enabled=true",
        "kafka.login=true",
        "kafka.topicPrefix=blue.",
        "secrets.kafkaPassword=k",
        "services.scraper.autoscaling.mode=lag",
        "services.storage.autoscaling.mode=lag",
    ])
}

/// The object of this kind that belongs to a service.
fn of<'a>(objects: &'a [Value], kind: &str, service: &str) -> Option<&'a Value> {
    objects.iter().find(|object| {
        object["kind"] == kind && object["metadata"]["labels"]["app.kubernetes.io/component"] == service
    })
}

/// What a service makes of the variables and the file that its pod has.
fn settings(objects: &[Value], service: &str) -> Common {
    fn load<S: Section>(file: PathBuf, variables: Vec<(String, String)>) -> Common {
        let args = ConfigArgs { config: Some(file), ..ConfigArgs::default() };
        config::load::<S>(&args, variables)
            .unwrap_or_else(|error| panic!("{} would not start: {error}", S::NAME))
            .common
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &Value| {
        let path = folder.path().join(name);
        fs::write(&path, text.as_str().unwrap()).unwrap();
        path
    };
    let map = of(objects, "ConfigMap", "config").unwrap();
    let secret = of(objects, "Secret", "config").unwrap();
    let file = write("trawl.toml", &map["data"]["trawl.toml"]);
    let pod = &of(objects, "Deployment", service).unwrap()["spec"]["template"]["spec"];
    let mut variables = Vec::new();
    for variable in pod["containers"][0]["env"].as_array().unwrap() {
        let (name, value) = (variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
        let value = match value.strip_prefix("/run/secrets/trawl/") {
            None => value.to_owned(),
            Some(key) => {
                let items = pod["volumes"][1]["secret"]["items"].as_array().unwrap();
                assert!(
                    items.contains(&json!({ "key": key, "path": key })),
                    "{service}: {key} is not mounted"
                );
                write(key, &secret["stringData"][key]).to_str().unwrap().to_owned()
            }
        };
        // The file's name is a flag's variable, not a setting.
        if name == "TRAWL_CONFIG" {
            assert_eq!(value, "/etc/trawl/trawl.toml");
            continue;
        }
        variables.push((name.to_owned(), value));
    }
    match service {
        "url-manager" => load::<trawl_url_manager::Settings>(file, variables),
        "scraper" => load::<trawl_scraper::Settings>(file, variables),
        "parser" => load::<trawl_parser::Settings>(file, variables),
        "storage" => load::<trawl_storage::Settings>(file, variables),
        "dlq-handler" => load::<trawl_dlq_handler::Settings>(file, variables),
        _ => panic!("{service} is no service of ours"),
    }
}

#[test]
fn it_is_of_the_version_that_is_built() {
    let chart: Value =
        serde_saphyr::from_str(&fs::read_to_string(format!("{CHART}/Chart.yaml")).unwrap()).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    let values: Value =
        serde_saphyr::from_str(&fs::read_to_string(format!("{CHART}/values.yaml")).unwrap()).unwrap();
    let mut services: Vec<_> = values["services"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut ours = OURS;
    services.sort_unstable();
    ours.sort_unstable();
    assert_eq!(services, ours);
}

#[test]
fn every_service_starts_with_what_it_is_given() {
    let (Some(plain), Some(all)) = (render(&[]), render_all()) else { return };
    for service in OURS {
        let common = settings(&plain, service);
        assert!(common.topics.specs().values().all(|topic| topic.replication == 3), "{service}");
        let stateless = matches!(service, "scraper" | "parser");
        if stateless {
            assert!(!common.database.url.contains("postgres"), "{service} needs no database");
        } else {
            common.database.url.parse::<DatabaseUrl>().unwrap();
            assert!(common.database.url.contains("trawl:p%40ss@postgres"), "{}", common.database.url);
        }
        assert_eq!(common.telemetry.listen, "0.0.0.0:9400");
        let common = settings(&all, service);
        assert_eq!(
            (common.kafka.topic_prefix.as_str(), common.kafka.security.password.as_str()),
            ("blue.", "k")
        );
    }
}

#[test]
fn pods_are_locked_down_and_asked_how_they_are() {
    let Some(objects) = render(&[]) else { return };
    for service in OURS {
        let deployment = of(&objects, "Deployment", service).unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(container["command"], json!([service]));
        assert_eq!(container["args"], json!(["run"]));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
        assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{service}");
        let drain = settings(&objects, service).runtime.drain_timeout_ms;
        assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() * 1000 > drain, "{service}");

        // Whoever selects pods selects these.
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        for (kind, path) in [
            ("Deployment", "/spec/selector/matchLabels"),
            ("Service", "/spec/selector"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ] {
            let selector = of(&objects, kind, service).unwrap_or_else(|| panic!("{service} has no {kind}"));
            let selector = selector.pointer(path).unwrap().as_object().unwrap();
            assert_eq!(selector["app.kubernetes.io/component"], service, "{kind}");
            assert!(selector.iter().all(|(name, value)| labels[name] == *value), "{service}: {kind}");
        }
    }
}

#[test]
fn only_the_scraper_reaches_out_and_not_into_the_cluster() {
    let Some(objects) = render(&[]) else { return };
    for service in OURS {
        let policy = of(&objects, "NetworkPolicy", service).unwrap();
        assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        let ways: Vec<_> = policy["spec"]["egress"].as_array().unwrap().iter().collect();
        let blocks: Vec<_> = ways
            .iter()
            .flat_map(|way| way["to"].as_array().unwrap())
            .filter_map(|peer| peer.get("ipBlock"))
            .collect();
        assert_eq!(blocks.len(), if service == "scraper" { 2 } else { 0 }, "{service}");
        let postgres = ways.iter().any(|way| way["ports"][0]["port"] == 5432);
        assert_eq!(postgres, !matches!(service, "scraper" | "parser"), "{service}");
        for block in blocks {
            let except: Vec<_> =
                block["except"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let near: &[&str] = if block["cidr"] == "0.0.0.0/0" {
                &[
                    "10.0.0.0/8",
                    "172.16.0.0/12",
                    "192.168.0.0/16",
                    "169.254.0.0/16",
                    "100.64.0.0/10",
                    "127.0.0.0/8",
                ]
            } else {
                &["fc00::/7", "fe80::/10", "::1/128"]
            };
            assert!(near.iter().all(|range| except.contains(range)), "{except:?}");
        }
    }
}

#[test]
fn it_scales_by_topics_and_groups_that_exist() {
    let Some(objects) = render_all() else { return };
    let topics: Vec<String> = Topic::ALL.iter().map(|topic| format!("blue.{topic}")).collect();
    let mut seen = 0;
    for service in OURS {
        if let Some(scaled) = of(&objects, "ScaledObject", service) {
            let trigger = &scaled["spec"]["triggers"][0]["metadata"];
            assert!(topics.iter().any(|topic| trigger["topic"] == *topic), "{trigger}");
            assert_eq!(trigger["consumerGroup"], format!("blue.{service}"));
            assert!(trigger["lagThreshold"].is_string(), "KEDA takes texts");
            seen += 1;
        }
        let scales =
            ["ScaledObject", "HorizontalPodAutoscaler"].iter().find_map(|kind| of(&objects, kind, service));
        let fixed = &of(&objects, "Deployment", service).unwrap()["spec"]["replicas"];
        assert_eq!(fixed.is_null(), scales.is_some(), "{service}: two would set the number of pods");
        if let Some(scales) = scales {
            let name = &of(&objects, "Deployment", service).unwrap()["metadata"]["name"];
            assert_eq!(&scales["spec"]["scaleTargetRef"]["name"], name);
        }
    }
    assert_eq!(seen, 2);
    let monitor = of(&objects, "ServiceMonitor", "metrics").unwrap();
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], "telemetry");
    let selector = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    let labels = &of(&objects, "Service", "parser").unwrap()["metadata"]["labels"];
    assert!(selector.iter().all(|(name, value)| labels[name] == *value));
}

#[test]
fn kubernetes_would_take_every_object() {
    let (Some(plain), Some(all), Some(validate)) = (render(&[]), render_all(), tool(VALIDATE)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for object in plain.iter().chain(&all) {
        if OF_OPERATORS.iter().any(|kind| object["kind"] == *kind) {
            eprintln!("skipped: {} has no schema here; its fields are checked above", object["kind"]);
            continue;
        }
        fs::write(folder.path().join(format!("{count}.json")), object.to_string()).unwrap();
        count += 1;
    }
    for version in VERSIONS {
        let output = Command::new(&validate)
            .args(["--version", version])
            .arg(folder.path())
            .stdin(Stdio::null())
            .output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "Kubernetes {version}: {}", String::from_utf8_lossy(&said));
        println!("chart against Kubernetes {version}: {count}/{count} objects");
    }
}
