//! The page and REST, over HTTP: who may, what they show, what they do.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use serde_json::{Value, json};
use std::net::SocketAddr;
use support::{
    death, deliver, garbage, id_of, task, until,
    web::{Answer, Site},
};
use trawl_dlq_handler::{State, web};
use trawl_shared::model::{JobId, Secret};

#[tokio::test]
async fn programs_list_show_count_replay_and_discard() {
    let site = Site::start("").await;
    let ids = site.letters(3).await;
    let json = async |path: &str| -> Value { serde_json::from_str(&site.get(path).await.ok()).unwrap() };

    let listed = json("/api/v1/letters?where=state%3Dopen+host%3Da.*&sort=url&limit=2").await;
    assert_eq!((&listed["total"], listed["letters"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(listed["letters"][0]["url"], "http://a.example/0");
    let letter = json(&format!("/api/v1/letters/{}", ids[0].short())).await;
    assert_eq!(
        (&letter["id"], &letter["deaths"][0]["causes"][0]),
        (&json!(ids[0]), &json!("the crawl ended"))
    );
    assert_eq!(json("/api/v1/groups?by=host,code").await["groups"][0]["letters"], 3);
    assert_eq!(json("/api/v1/stats").await["states"]["open"], 3);

    for (path, status, why) in [
        ("/api/v1/letters?where=hots%3Da", 400, "did you mean host?"),
        ("/api/v1/letters?sort=size", 400, "letters can be sorted by"),
        ("/api/v1/letters?filter=x", 400, "unknown field"),
        ("/api/v1/groups?by=id", 400, "letters can be counted by state, code"),
        ("/api/v1/letters/ffffffffffff", 404, "there is no such letter"),
        ("/api/v1/replays/9", 404, "there is no such run"),
    ] {
        let answer = site.get(path).await;
        assert!(answer.status == status && answer.body.contains(why), "{path}: {answer:?}");
    }

    let order =
        async |path: &str, order: Value| site.post(path, "application/json", &order.to_string(), &[]).await;
    let counted = order("/api/v1/replays", json!({"where": "host=a.example", "dry_run": true})).await;
    assert_eq!((counted.status, counted.body.as_str()), (200, "{\"letters\":3}"));
    let started = order("/api/v1/replays", json!({"ids": [ids[0]], "by": "ada", "rate": "100/s"})).await;
    assert_eq!((started.status, started.body.as_str()), (202, "{\"letters\":1,\"run\":1}"));
    let events = until("the replay", async || {
        let events = site.ledger.events(ids[0]).await.unwrap();
        (events.len() == 2).then_some(events)
    })
    .await;
    assert_eq!((events[1].state, events[1].by.as_str()), (State::Replayed, "ada (REST)"));
    assert_eq!(site.sent().len(), 1);
    until("the run's report", async || (json("/api/v1/replays/1").await["sent"] == 1).then_some(())).await;

    let refused = order("/api/v1/discards", json!({"ids": [ids[1]]})).await;
    assert!(refused.status == 400 && refused.body.contains("say why"), "{refused:?}");
    assert_eq!(order("/api/v1/discards", json!({})).await.status, 400, "never all by accident");
    let discarded =
        order("/api/v1/discards", json!({"where": "url=*/1", "reason": "spam", "by": "ada"})).await;
    assert_eq!(discarded.ok(), "{\"letters\":1}");
    let letter = site.ledger.summary(ids[1]).await.unwrap().unwrap();
    assert_eq!((letter.state, letter.changed_by.as_str()), (State::Discarded, "ada (REST)"));
}

#[tokio::test]
async fn people_read_filter_replay_and_discard() {
    let site = Site::start("").await;
    let ids = site.letters(60).await;
    let overview = site.get("/").await.ok();
    assert!(
        overview.contains("<span class=\"figure\">60</span>") && overview.contains("a.example"),
        "{overview}"
    );
    assert!(overview.contains("<svg class=\"chart\""));
    let table = site.get("/letters?where=state%3Dopen&sort=url").await.ok();
    assert_eq!(table.matches("class=\"letter\"").count(), 50);
    assert!(table.contains("Page 1 of 2") && table.contains("<strong>60</strong> letters"), "{table}");
    let narrow = site.get("/letters?where=url%3D*%2F7").await.ok();
    assert!(
        narrow.contains("<strong>1</strong> letters") && narrow.contains("http://a.example/7"),
        "{narrow}"
    );
    let fault = site.get("/letters?where=hots%3D1").await.ok();
    assert!(fault.contains("did you mean host?") && fault.contains("role=\"alert\""), "{fault}");

    // The question counts, and does nothing.
    let question = site.get("/ask/replay?where=url%3D*%2F7").await.ok();
    assert!(question.contains("<strong>1</strong> letter") && question.contains("Replay 1"), "{question}");
    assert!(site.sent().is_empty());
    let form = question.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let encoded = "application/x-www-form-urlencoded";
    let post = async |path: &str, body: String| site.post(path, encoded, &body, &[]).await;
    let answer = post("/replay", format!("form={form}&where=url%3D*%2F7&rate=10/s&after=0s&by=Grace")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    until("the replay", async || (site.sent().len() == 1).then_some(())).await;
    until("the page to tell of it", async || site.get("/").await.ok().contains("Grace (page)").then_some(()))
        .await;

    let answer =
        post("/discard", format!("form={form}&id={}&id={}&reason=known+fault", ids[1], ids[2])).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let letter = site.ledger.summary(ids[2]).await.unwrap().unwrap();
    assert_eq!((letter.state, letter.remark.as_deref()), (State::Discarded, Some("known fault")));
    let page = site.get(&format!("/letters/{}", ids[2])).await.ok();
    assert!(page.contains("known fault") && page.contains("somebody (page)"), "{page}");

    // What no page of ours has sent does nothing.
    for (body, headers) in [
        ("form=guessed&where=host%3Da.*&rate=10/s&after=0s".to_owned(), vec![]),
        (format!("form={form}&where=host%3Da.*&rate=10/s&after=0s"), vec![("origin", "http://evil.example")]),
        (format!("form={form}&where=host%3Da.*&rate=10/s&after=0s"), vec![("sec-fetch-site", "cross-site")]),
    ] {
        assert_eq!(site.post("/replay", encoded, &body, &headers).await.status, 403, "{headers:?}");
    }
    assert_eq!(site.sent().len(), 1);
}

#[tokio::test]
async fn what_strangers_wrote_is_text() {
    let site = Site::start("").await;
    let mut record = garbage();
    let payload = [&b"<script>alert(1)</script>\x1b[31m\xff"[..], &b"x".repeat(1_000_000)].concat();
    record.payload = payload.clone().into();
    record.headers.push("<b>bold</b>", "\u{202e}<img src=x onerror=alert(2)>");
    let mut letter = death(record, "parser", 0, 1);
    letter.reason.code = "<script>alert(3)</script>".into();
    letter.reason.causes = vec!["</li><script>alert(4)</script>\u{202e}".into()];
    letter.reason.message = "\"><script>alert(5)</script>".into();
    deliver(&site.ledger, [letter]).await;
    // And one that is text.
    let mut text = task(JobId::fresh(), "http://a.example/%3Cscript%3E");
    text.payload =
        [&b"{\"a\": \"</pre><script>alert(6)</script>\", \"b\": \""[..], &b"y".repeat(1_000_000), b"\"}"]
            .concat()
            .into();
    let id = id_of(&text, "scraper");
    deliver(&site.ledger, [death(text, "scraper", 0, 2)]).await;
    let garbled = support::found(&*site.ledger, "service=parser").await[0];

    for path in [
        "/".to_owned(),
        "/letters".to_owned(),
        format!("/letters/{garbled}"),
        format!("/letters/{id}"),
        "/letters?where=code%3D%22%3Cscript%3E*%22".to_owned(),
        "/letters?done=%3Cscript%3E".to_owned(),
        "/ask/discard?where=%22%3E%3Cscript%3E".to_owned(),
    ] {
        let answer = site.get(&path).await;
        let page = &answer.body;
        assert_eq!(page.matches("<script").count(), 1, "only our own, in {path}");
        assert!(
            !page.contains("<img") && !page.contains("<b>bold") && !page.contains(['\x1b', '\u{202e}']),
            "{path}"
        );
        assert!(page.len() < 300_000, "{path} has {} bytes", page.len());
        let header = |name| answer.header(name).unwrap_or_default().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
    let download = site.get_bytes(&format!("/letters/{garbled}/payload")).await;
    assert!(
        download.0.contains("attachment") && download.0.contains("application/octet-stream"),
        "{}",
        download.0
    );
    assert_eq!(download.1, payload, "byte for byte");
}

#[tokio::test]
async fn the_token_opens_the_door_and_stays_secret() {
    let site = Site::start("s3cret").await;
    site.letters(1).await;
    assert_eq!(site.get("/api/v1/letters").await.status, 401);
    assert_eq!(site.get("/openapi.json").await.status, 401);
    let page = site.get("/").await;
    assert_eq!((page.status, page.header("location")), (303, Some("/login")));
    let bearer = |token: &str| vec![("authorization".to_owned(), format!("Bearer {token}"))];
    assert_eq!(site.with("GET", "/api/v1/letters", &bearer("s3cret"), "").await.status, 200);
    assert_eq!(site.with("GET", "/api/v1/letters", &bearer("s3cre"), "").await.status, 401);

    assert!(site.get("/login").await.ok().contains("type=\"password\""));
    let encoded = "application/x-www-form-urlencoded";
    assert_eq!(site.post("/login", encoded, "token=wrong", &[]).await.status, 401);
    let signed_in = site.post("/login", encoded, "token=s3cret", &[]).await;
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("s3cret"),
        "{cookie}"
    );
    let cookie = vec![("cookie".to_owned(), cookie.split(';').next().unwrap().to_owned())];
    assert_eq!(site.with("GET", "/", &cookie, "").await.status, 200);

    // Without a token only this machine, by its own names, is answered.
    let open = Site::start("").await;
    let rebound = vec![("host".to_owned(), "rebound.example".to_owned())];
    assert_eq!(open.with("GET", "/api/v1/letters", &rebound, "").await.status, 403);
    let desk = open.desk();
    let access = web::Access::new(&Secret::default());
    let refused = web::serve("0.0.0.0:0", access, desk, open.stop.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("dlq-handler.token"), "{refused}");
}

#[tokio::test]
async fn the_description_is_of_what_is_there() {
    let site = Site::start("").await;
    let ids = site.letters(1).await;
    let description: Value = serde_json::from_str(&site.get("/openapi.json").await.ok()).unwrap();
    let text = description.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(description["components"]["schemas"].get(name).is_some(), "no schema {name}");
    }
    let mut operations = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &ids[0].to_string()).replace("{run}", "1");
        for (method, operation) in methods.as_object().unwrap() {
            let body =
                if method == "post" { "{\"where\": \"state=discarded\", \"reason\": \"none\"}" } else { "" };
            let headers = [("content-type".to_owned(), "application/json".to_owned())];
            let Answer { status, .. } = site.with(&method.to_uppercase(), &path, &headers, body).await;
            assert!(operation["responses"].get(status.to_string()).is_some(), "{method} {path}: {status}");
            operations += 1;
        }
    }
    assert_eq!(operations, 9);
    // And what a letter has is described.
    let letter: Value = serde_json::from_str(&site.get("/api/v1/letters").await.ok()).unwrap();
    let known = &description["components"]["schemas"]["Summary"]["properties"];
    for name in letter["letters"][0].as_object().unwrap().keys() {
        assert!(known.get(name).is_some(), "{name} is not described");
    }
}

#[tokio::test]
async fn who_looks_on_hears_of_each_change() {
    let site = Site::start("").await;
    let mut news = site.events().await;
    site.letters(1).await;
    assert!(news.next_line_with("event: changed").await, "a letter has come");
}

#[tokio::test]
async fn an_address_in_use_is_said() {
    let site = Site::start("").await;
    let taken: SocketAddr = site.address;
    let access = web::Access::new(&Secret::default());
    let error = web::serve(&taken.to_string(), access, site.desk(), site.stop.clone()).await.unwrap_err();
    assert!(error.to_string().contains("dlq-handler.listen"), "{error}");
}
