//! Files hold each row once, whatever fails.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use support::{
    ended,
    flaky::{Fault, Flaky},
    handle, job, page, pages, take,
};
use trawl_shared::{
    model::{JobId, Outcome, TaskEnded},
    runtime::Failure,
};
use trawl_storage::{
    StoreHandler, Trouble,
    export::{Export, WholeFile, export},
    row::{RowSet, Rows},
    sink::{Format, OutputMode, OutputSpec, Outputs, SharedOutputs, Target},
    store::{PageStore, Question},
};

fn spec(path: &Path, job: Option<JobId>) -> OutputSpec {
    let target = Target::File(path.to_owned());
    let format = target.format().unwrap();
    OutputSpec { set: set(format), format, target, rotation: None, job }
}

fn set(format: Format) -> RowSet {
    RowSet::new(Rows::Pages, &[], format == Format::Csv).unwrap()
}

/// A file that is not complete yet.
fn growing(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".growing");
    name.into()
}

fn everything(format: Format, job: Option<JobId>) -> Export {
    let question = Question { job, ..Question::default() };
    Export { set: set(format), format, question, rules: None }
}

async fn handler(store: &Arc<dyn PageStore>, path: &Path, mode: OutputMode) -> StoreHandler {
    let outputs = Outputs::open(&**store, vec![spec(path, None)], mode).await.unwrap();
    StoreHandler::with_outputs(Arc::clone(store), outputs).0
}

async fn exported(store: &Arc<dyn PageStore>, format: Format, job: Option<JobId>) -> String {
    let mut text = Vec::new();
    export(&**store, &everything(format, job), "a test", &mut text, |_| {}).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// The file has what the store has, in the same order.
async fn assert_agree(store: &Arc<dyn PageStore>, path: &Path, rows: usize) {
    let text = fs::read_to_string(growing(path)).unwrap();
    assert!(!path.exists(), "what is not complete has not its name");
    let format = Target::File(path.to_owned()).format().unwrap();
    assert_eq!(text, exported(store, format, None).await);
    assert_eq!(rows_of(&text, format), rows);
}

fn rows_of(text: &str, format: Format) -> usize {
    match format {
        Format::Jsonl => text.lines().count(),
        _ => csv::Reader::from_reader(text.as_bytes()).records().count(),
    }
}

/// Delivers until it is taken, as the runtime does.
async fn deliver(handler: &StoreHandler, batch: &[TaskEnded]) -> usize {
    for held in 0..5 {
        match handle(handler, batch).await {
            Ok(_) => return held,
            Err(Failure::Later { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the batch is never taken");
}

#[tokio::test]
async fn a_failed_commit_leaves_no_row_and_an_unheard_one_leaves_one() {
    let (folder, inner) = support::sqlite().await;
    let next = Arc::new(Mutex::new(None));
    let store: Arc<dyn PageStore> = Arc::new(Flaky { inner, next: Arc::clone(&next) });
    for name in ["rows.jsonl", "rows.csv"] {
        let path = folder.path().join(name);
        let handler = handler(&store, &path, OutputMode::Resume).await;
        let already =
            usize::try_from(store.counts(None).await.unwrap().iter().map(|c| c.pages).sum::<u64>()).unwrap();
        let batch = pages(job(), 6);
        assert_eq!(deliver(&handler, &batch[..2]).await, 0);
        *next.lock().unwrap() = Some(Fault::Lost);
        assert_eq!(deliver(&handler, &batch[..4]).await, 1);
        *next.lock().unwrap() = Some(Fault::Unheard);
        assert_eq!(deliver(&handler, &batch).await, 1);
        assert_eq!(deliver(&handler, &batch).await, 0);
        assert_agree(&store, &path, already + 6).await;
    }
}

#[tokio::test]
async fn a_killed_process_is_resumed_behind_the_last_stored_row() {
    let (folder, store) = support::sqlite().await;
    let path = folder.path().join("rows.jsonl");
    let batch = pages(job(), 4);
    take(&handler(&store, &path, OutputMode::Fresh).await, &batch[..2]).await;
    // What a kill between writing and committing leaves behind.
    let mut torn = fs::read(growing(&path)).unwrap();
    torn.extend(b"{\"url\":\"http://a.example/page/2\",\"fin");
    fs::write(growing(&path), torn).unwrap();

    let handler = handler(&store, &path, OutputMode::Resume).await;
    assert_agree(&store, &path, 2).await;
    take(&handler, &batch).await;
    assert_agree(&store, &path, 4).await;
}

#[tokio::test]
async fn a_file_that_lacks_stored_rows_is_written_anew() {
    let (folder, store) = support::sqlite().await;
    let path = folder.path().join("rows.jsonl");
    let batch = pages(job(), 70);
    take(&handler(&store, &path, OutputMode::Fresh).await, &batch).await;
    for damage in ["emptied", "removed"] {
        match damage {
            "emptied" => fs::write(growing(&path), "").unwrap(),
            _ => fs::remove_file(growing(&path)).unwrap(),
        }
        drop(handler(&store, &path, OutputMode::Resume).await);
        assert_agree(&store, &path, 70).await;
    }
    // Another file has never had them.
    let other = folder.path().join("other.csv");
    let resumed = handler(&store, &other, OutputMode::Resume).await;
    take(&resumed, &[page(job(), "http://a.example/page/new")]).await;
    assert_agree(&store, &other, 71).await;
}

#[tokio::test]
async fn a_fresh_output_takes_the_place_of_an_old_one_when_it_is_complete() {
    let (folder, store) = support::sqlite().await;
    let path = folder.path().join("rows.csv");
    let old = "something long that stood there before\n".repeat(50);
    fs::write(&path, &old).unwrap();
    fs::write(growing(&path), &old).unwrap();
    let (mine, other) = (job(), job());
    let outputs = Outputs::open(&*store, vec![spec(&path, Some(mine))], OutputMode::Fresh).await.unwrap();
    let outputs = SharedOutputs::from(outputs);
    let handler = StoreHandler::beside(Arc::clone(&store), outputs.clone(), Trouble::default());
    take(&handler, &[pages(mine, 2), pages(other, 2)].concat()).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), old);
    assert_eq!(outputs.complete(&*store).await.unwrap(), std::slice::from_ref(&path));
    assert_eq!(fs::read_to_string(&path).unwrap(), exported(&store, Format::Csv, Some(mine)).await);
    assert!(!growing(&path).exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_the_store_and_loses_nothing() {
    let (_folder, store) = support::sqlite().await;
    let job = job();
    let full = vec![spec(Path::new("/dev/full"), None)];
    let outputs = Outputs::open(&*store, full, OutputMode::Fresh).await.unwrap();
    let (handler, mut trouble) = StoreHandler::with_outputs(Arc::clone(&store), outputs);
    for _ in 0..2 {
        let answer = handle(&handler, &pages(job, 3)).await;
        assert!(matches!(answer, Err(Failure::Later { .. })), "{answer:?}");
    }
    let error = trouble.wait_for(Option::is_some).await.unwrap().clone().unwrap().to_string();
    assert_eq!(error, "no space left on /dev/full after 0 rows; free space and run again with --resume");
    assert_eq!(store.pages_stored(job).await.unwrap(), 0);
    take(&StoreHandler::new(Arc::clone(&store)), &pages(job, 3)).await;
    assert_eq!(store.pages_stored(job).await.unwrap(), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_gets_each_row_once_while_the_process_lives() {
    let (folder, inner) = support::sqlite().await;
    let next = Arc::new(Mutex::new(None));
    let store: Arc<dyn PageStore> = Arc::new(Flaky { inner, next: Arc::clone(&next) });
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (sender, received) = tokio::sync::oneshot::channel();
    let reading = path.clone();
    std::thread::spawn(move || {
        let mut text = String::new();
        fs::File::open(reading).unwrap().read_to_string(&mut text).unwrap();
        sender.send(text)
    });
    let handler = handler(&store, &path, OutputMode::Fresh).await;
    let batch = pages(job(), 3);
    *next.lock().unwrap() = Some(Fault::Lost);
    assert_eq!(deliver(&handler, &batch[..1]).await, 1);
    *next.lock().unwrap() = Some(Fault::Unheard);
    assert_eq!(deliver(&handler, &batch[..2]).await, 1);
    assert_eq!(deliver(&handler, &batch).await, 0);
    drop(handler);
    assert_eq!(received.await.unwrap(), exported(&store, Format::Jsonl, None).await);
}

#[tokio::test]
async fn rows_follow_the_published_schema_and_csv_has_the_flat_ones() {
    let (_folder, store) = support::sqlite().await;
    let job = job();
    let moved = TaskEnded {
        redirect_to: Some("http://a.example/to".into()),
        ..ended(job, "http://a.example/from", Outcome::Redirected)
    };
    take(&StoreHandler::new(Arc::clone(&store)), &[page(job, "http://a.example/page/1"), moved]).await;

    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../docs/schema/page-row.json")).unwrap();
    let required: Vec<_> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let text = exported(&store, Format::Jsonl, None).await;
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, line) in rows.iter().zip(text.lines()) {
        assert_eq!(row.as_object().unwrap().len(), required.len());
        assert_eq!(schema["properties"].as_object().unwrap().len(), required.len());
        let mut last = 0;
        for name in &required {
            let at = line.find(&format!("\"{name}\":")).expect("each field is there");
            assert!(at >= last, "{name} stands in the order of the schema");
            last = at;
            assert!(fits(&schema["properties"][name], &row[name]), "{name}: {}", row[name]);
        }
    }
    assert_eq!(rows[0]["links"], serde_json::json!(["http://a.example/1", "http://b.example/2#x"]));
    assert_eq!(rows[0]["fetched_at"], "2026-11-21T01:02:03.456Z");
    assert_eq!(rows[1]["final_url"], "http://a.example/to");
    assert_eq!(rows[1]["links"], serde_json::json!([]));

    let text = exported(&store, Format::Csv, None).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), required[..required.len() - 1]);
    for (record, row) in reader.records().zip(&rows) {
        for (field, name) in record.unwrap().iter().zip(&required) {
            let expected =
                row[name].as_str().map_or_else(|| row[name].to_string().replace("null", ""), str::to_owned);
            assert_eq!(field, expected, "{name}");
        }
    }
}

/// The part of JSON Schema that the row's schema uses.
fn fits(schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    if let Some(names) = schema["enum"].as_array() {
        return names.contains(value);
    }
    let kind = match value {
        serde_json::Value::Null => "null",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Number(_) => "integer",
        serde_json::Value::Array(items) => {
            assert!(items.iter().all(|item| fits(&schema["items"], item)));
            "array"
        }
        _ => "something else",
    };
    match &schema["type"] {
        serde_json::Value::Array(kinds) => kinds.iter().any(|allowed| allowed == kind),
        allowed => allowed == kind,
    }
}

#[tokio::test]
async fn an_exported_file_is_whole_or_not_there() {
    let (folder, store) = support::sqlite().await;
    take(&StoreHandler::new(Arc::clone(&store)), &pages(job(), 5)).await;
    let path = folder.path().join("export.jsonl");
    let mut file = WholeFile::create(&path).unwrap();
    let mut seen = Vec::new();
    let what = everything(Format::Jsonl, None);
    let rows = export(&*store, &what, "a test", &mut file, |rows| {
        assert!(!path.exists());
        seen.push(rows);
    });
    assert_eq!(rows.await.unwrap(), 5);
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    file.finish().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), exported(&store, Format::Jsonl, None).await);

    fs::remove_file(&path).unwrap();
    let mut file = WholeFile::create(&path).unwrap();
    export(&*store, &everything(Format::Csv, None), "a test", &mut file, |_| {}).await.unwrap();
    drop(file);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("export")), "{left:?}");
}
