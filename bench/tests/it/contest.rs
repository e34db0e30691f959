//! The command, end to end: child processes, the check of what they crawled, and the report.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_small_contest_of_the_floors_reports_both() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["crawl", "--only", "streaming", "--only", "dom", "--runs", "2", "--json"])
        .args(["--pages", "120", "--hosts", "3", "--seed", "5"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("round 2 of 2: DOM floor"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!((&report["pages"], &report["seed"]), (&Value::from(120), &Value::from(5)));
    for line in report["lines"].as_array().expect("lines") {
        assert_eq!(line["rounds"].as_array().map(Vec::len), Some(2));
        for round in line["rounds"].as_array().expect("rounds") {
            assert_eq!(
                (&round["pages"], &round["requests"], &round["void"]),
                (&120.into(), &120.into(), &Value::Null)
            );
            assert!(round["cost"]["peak_bytes"].as_u64() > Some(1 << 20));
        }
        assert!(line["to_streaming_floor"]["median"].as_f64() > Some(0.0));
    }
}

#[test]
fn the_truth_of_a_web_is_listed_without_serving_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["web", "--truth", "--profile", "wild", "--hosts", "2", "--pages", "200"])
        .output()
        .expect("it runs");
    let rows = String::from_utf8(output.stdout).expect("UTF-8");
    let first: Value = serde_json::from_str(rows.lines().next().expect("a row")).expect("JSON");
    assert_eq!(first["url"], "http://h0.synthetic.test:8600/");
    assert_eq!(first["end"], "stored");
}
