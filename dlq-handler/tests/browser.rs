//! The page in a real browser: Chromium, headless, driven by its DevTools protocol. Reading, filtering, replaying, discarding, live
//! update; and nothing that strangers wrote acts. With `TRAWL_SCREENSHOTS=FOLDER` it leaves pictures there to be looked at.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use serde_json::json;
use support::{chromium::Chromium, death, deliver, found, garbage, id_of, recovery, task, until, web::Site};
use trawl_dlq_handler::State;
use trawl_shared::{message::Record, model::JobId};

/// A ledger as it looks on a bad day.
async fn bad_day(site: &Site) {
    let job = JobId::fresh();
    let now = jiff::Timestamp::now();
    let kinds = [
        ("timeout", "network", 21),
        ("server_error", "server", 9),
        ("dns_failed", "dns", 4),
        ("body_too_large", "message", 3),
        ("panic", "unexpected", 2),
        ("tls_failed", "network", 1),
    ];
    let mut letters = Vec::new();
    for (code, class, count) in kinds {
        for n in 0..count {
            let host =
                ["shop.example", "news.example", "a-rather-long-host-name.of.some.organisation.example"]
                    [n % 3];
            let record = task(job, &format!("http://{host}/{code}/{n}"));
            let mut letter = death(record, "scraper", 0, 0);
            letter.reason.code = code.into();
            letter.reason.class = class.into();
            letter.reason.failed_at = now - jiff::SignedDuration::from_mins(n as i64 * 61 + 7);
            letters.push(letter);
        }
    }
    deliver(&site.ledger, letters).await;
    let record = task(job, "http://shop.example/back");
    deliver(&site.ledger, [death(record.clone(), "scraper", 0, 0)]).await;
    support::deliver_records(&site.ledger, [recovery(&record, "scraper", 1, 9)]).await;
}

/// A record whose every part is hostile.
fn hostile() -> Record {
    let mut record = garbage();
    let payload = [
        &b"<script>document.title='owned'</script>\x1b[31m\x1b]0;owned\x07\xff\xfe"[..],
        &b"x".repeat(1_000_000),
    ]
    .concat();
    record.payload = payload.into();
    record.headers.push(
        "<img src=x onerror=\"document.title='owned'\">",
        "\u{202e}</td><script>document.title='owned'</script>",
    );
    record
}

#[tokio::test]
async fn reading_filtering_replaying_discarding() {
    let Some(mut browser) = Chromium::start().await else { return };
    let site = Site::start("").await;
    bad_day(&site).await;
    let root = format!("http://{}", site.address);

    // Reading: the overview, its chart, its way to the letters.
    browser.open(&format!("{root}/")).await;
    assert_eq!(browser.text(".tile.open .figure").await, "40");
    assert!(browser.count("svg.chart rect").await > 10);
    browser.screenshot("overview").await;
    browser.click(".counts a[href*='server_error']").await;
    browser.wait_for("document.querySelectorAll('a.letter').length == 9").await;
    assert_eq!(browser.text("[data-live=count] strong").await, "9");

    // Filtering: typed, wrong and right.
    browser.fill("#where", "hots=shop.example").await;
    browser.click("form.search button").await;
    browser.wait_for("document.querySelector('#fault') !== null").await;
    assert!(browser.text("#fault").await.contains("did you mean host?"));
    browser.screenshot("fault").await;
    browser.fill("#where", "state=open host=shop.example code=time*").await;
    browser.click("form.search button").await;
    browser.wait_for("document.querySelectorAll('a.letter').length == 7").await;
    browser.click("thead a[href*='attempts']").await;
    browser.wait_for("document.querySelector('[aria-sort=descending]')?.textContent.includes('Tries')").await;
    browser.screenshot("table").await;

    // By keys alone: to the filter, along the letters, into one.
    browser.press("j").await;
    browser.press("j").await;
    browser.wait_for("document.activeElement === document.querySelectorAll('a.letter')[1]").await;
    browser.press("/").await;
    browser.wait_for("document.activeElement.id == 'where'").await;

    // Replaying what the filter has: the question counts, the answer does it.
    browser.click("button[formaction='/ask/replay']").await;
    browser.wait_for("document.querySelector('form[action=\"/replay\"]') !== null").await;
    assert_eq!(browser.text(".question strong").await, "7");
    browser.fill("#by", "Grace").await;
    browser.fill("#rate", "100/s").await;
    browser.screenshot("ask-replay").await;
    browser.click("form.narrow button[type=submit]").await;
    browser.wait_for("document.querySelector('.done')?.textContent.startsWith('7 are sent again')").await;
    let sent = until("seven replays", async || Some(site.sent()).filter(|sent| sent.len() == 7)).await;
    let replayed = found(&*site.ledger, "state=replayed by=\"Grace (page)\"").await;
    assert_eq!(replayed.len(), 7);

    // One of them is handled while somebody looks on, and another letter dies.
    browser.open(&format!("{root}/")).await;
    browser.wait_for("!document.querySelector('#live-mark').hidden").await;
    browser.evaluate("window.stayed = true").await;
    support::deliver_records(&site.ledger, [recovery(&as_read(&sent[0]), "scraper", 1, 99)]).await;
    browser.wait_for("document.querySelector('.tile.resolved .figure').textContent == '2'").await;
    deliver(&site.ledger, [death(hostile(), "parser", 0, 5)]).await;
    browser.wait_for("document.querySelector('.tile.open .figure').textContent == '34'").await;
    assert_eq!(browser.evaluate("window.stayed").await, true, "the page was not loaded anew");

    // What strangers wrote is text.
    let id = found(&*site.ledger, "service=parser").await[0];
    browser.open(&format!("{root}/letters/{id}")).await;
    browser.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)").await;
    assert_eq!(browser.evaluate("document.title").await, format!("Letter {} · dead letters", id.short()));
    assert_eq!(browser.count("script, img, main b").await, 1, "only our own script");
    assert!(browser.text("table.headers").await.contains("<img src=x onerror="));
    assert!(
        browser.text("pre.payload").await.contains("<script>document")
            || browser.text("pre.payload").await.contains("3c 73 63 72 69 70 74")
    );
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth <= innerWidth").await,
        true,
        "a long line stays inside"
    );
    browser.screenshot("hostile").await;

    // Discarding one, with a reason.
    browser.click("button[formaction='/ask/discard']").await;
    browser.wait_for("document.querySelector('#reason') !== null").await;
    browser.click("form.narrow button[type=submit]").await;
    assert_eq!(browser.evaluate("location.pathname").await, "/ask/discard", "not without a reason");
    browser.fill("#reason", "garbage from a broken producer").await;
    browser.screenshot("ask-discard").await;
    browser.click("form.narrow button[type=submit]").await;
    browser.wait_for("document.querySelector('h1 .state')?.textContent == 'discarded'").await;
    let letter = site.ledger.summary(id).await.unwrap().unwrap();
    assert_eq!(
        (letter.state, letter.remark.as_deref()),
        (State::Discarded, Some("garbage from a broken producer"))
    );

    // Ticked ones only.
    browser.open(&format!("{root}/letters?where=code%3Ddns_failed")).await;
    browser
        .evaluate("[...document.querySelectorAll('td input')].slice(0, 2).forEach(box => box.click())")
        .await;
    browser.click("button[formaction='/ask/discard']").await;
    browser.wait_for("document.querySelector('.question strong')?.textContent == '2'").await;

    // In the dark, on a small screen, and without JavaScript.
    browser
        .call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]}),
        )
        .await;
    browser.open(&format!("{root}/")).await;
    browser.screenshot("overview-dark").await;
    let letter = found(&*site.ledger, "state=replayed").await[0];
    browser.open(&format!("{root}/letters/{letter}")).await;
    browser.screenshot("letter-dark").await;
    browser.call("Emulation.setEmulatedMedia", json!({"features": []})).await;
    browser.call("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    browser.size(420, 900).await;
    browser.open(&format!("{root}/letters?where=state%3Dopen")).await;
    assert!(browser.count("a.letter").await > 20);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth").await, true, "it fits");
    browser.screenshot("small").await;
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

/// The record of a replay as its first reader had it.
fn as_read(sent: &Record) -> Record {
    let origin = trawl_shared::message::Envelope::read(sent).unwrap().origin.unwrap();
    assert_eq!(id_of(sent, "scraper"), id_of(&Record { topic: origin.topic, ..sent.clone() }, "scraper"));
    Record { topic: origin.topic, partition: None, ..sent.clone() }
}
