//! The web itself: the same for the same seed, with the sizes and rates that its profile names.

use std::collections::HashMap;

use crate::support::settings;
use bench::floor::dom;
use bench::web::{End, Fate, Place, Preset, Web, truth};
use url::Url;

fn pages(web: &Web) -> impl Iterator<Item = (u32, u32)> + '_ {
    (0..web.hosts()).flat_map(|host| (0..web.pages_of(host)).map(move |page| (host, page)))
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let [first, second] = [0, 0].map(|_| Web::new(settings(Preset::Wild, 4, 300), 8600));
    let mut other = settings(Preset::Wild, 4, 300);
    other.seed += 1;
    let other = Web::new(other, 8600);
    let mut differ = 0;
    for (host, page) in pages(&first) {
        let target = first.path(host, Place::Page(page));
        // A copy made later, and asked in another order, answers the same.
        assert_eq!(first.reply(host, &target, 3), second.reply(host, &target, 3), "{target}");
        differ += u32::from(first.html(host, page) != other.html(host, page));
    }
    assert_eq!(differ, 300);
    assert_eq!(truth(&first), truth(&second));
}

#[test]
fn every_address_leads_back_to_its_page() {
    let web = Web::new(settings(Preset::Wild, 5, 1200), 8600);
    for (host, page) in pages(&web) {
        let path = web.path(host, Place::Page(page));
        assert_eq!(web.find(host, &path), Some(Place::Page(page)), "{path}");
        assert_eq!(web.find(host, &format!("{path}x")), None, "{path}x");
    }
    for nowhere in [
        "/never/from-a-script-1.html",
        "/moved/0/1",
        "/files/x-99999.pdf",
        "",
        "//",
        "/%",
        "/-1",
        "/?id=1&x=2",
    ] {
        assert_eq!(web.find(0, nowhere), None, "{nowhere}");
    }
    assert_eq!(web.host_of("h4.synthetic.test:8600"), Some(4));
    for stranger in ["h5.synthetic.test", "h04.synthetic.test", "h.synthetic.test", "127.0.0.1:8600", ""] {
        assert_eq!(web.host_of(stranger), None, "{stranger}");
    }
}

#[test]
fn docs_pages_are_the_size_and_shape_of_real_ones() {
    let web = Web::new(settings(Preset::Docs, 10, 2000), 8600);
    let (mut bytes, mut links, mut tags) = (0, 0, 0);
    for (host, page) in pages(&web) {
        let html = web.html(host, page);
        let base = Url::parse(&web.url(host, Place::Page(page))).expect("a URL");
        bytes += html.len();
        tags += html.matches('<').count();
        links += dom(html.as_bytes(), &base).links.len();
    }
    assert!((35_000..39_500).contains(&(bytes / 2000)), "{} bytes a page", bytes / 2000);
    assert!((80..100).contains(&(links / 2000)), "{} links a page", links / 2000);
    assert!((22..34).contains(&(bytes / tags)), "{} bytes a tag", bytes / tags);
}

#[test]
fn nearly_all_links_are_known() {
    let web = Web::new(settings(Preset::Docs, 4, 800), 8600);
    let mut times: HashMap<Url, u32> = HashMap::new();
    for (host, page) in pages(&web) {
        let base = Url::parse(&web.url(host, Place::Page(page))).expect("a URL");
        for link in dom(web.html(host, page).as_bytes(), &base).links {
            *times.entry(link).or_default() += 1;
        }
    }
    let new = times.len() as f64 / f64::from(times.values().sum::<u32>());
    assert!((0.02..0.06).contains(&new), "{new} of the links are new");
}

#[test]
fn a_docs_web_is_stored_whole() {
    let web = Web::new(settings(Preset::Docs, 7, 500), 8600);
    let rows = truth(&web);
    assert_eq!(rows.len(), 500);
    assert!(rows.iter().all(|row| row.end == End::Stored));
}

#[test]
fn wild_rates_are_those_of_the_profile() {
    let settings = settings(Preset::Wild, 10, 20_000);
    let web = Web::new(settings.clone(), 8600);
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for (host, page) in pages(&web) {
        let fate = match web.fate(host, page) {
            Fate::Well => "well",
            Fate::Moved { .. } => "moved",
            Fate::Gone(_) => "gone",
            Fate::Flaky { .. } => "flaky",
            Fate::Broken => "broken",
            Fate::Throttled => "throttled",
        };
        *counts.entry(fate).or_default() += 1;
    }
    let profile = settings.profile;
    for (fate, rate) in [
        ("moved", profile.moved),
        ("gone", profile.gone),
        ("flaky", profile.flaky),
        ("broken", profile.broken),
        ("throttled", profile.throttled),
    ] {
        // Two pages a ten-thousandth are expected; a third up or down is well outside chance at these counts.
        let expected = rate * 2;
        let low_high = expected * 2 / 3..expected * 4 / 3;
        assert!(low_high.contains(&counts[fate]), "{fate}: {} of {expected}", counts[fate]);
    }
}

#[test]
fn a_wild_truth_has_every_end() {
    let rows = truth(&Web::new(settings(Preset::Wild, 6, 3000), 8600));
    let mut ends: HashMap<String, u32> = HashMap::new();
    for row in &rows {
        let row = serde_json::to_value(row).expect("a row");
        let why = row["why"].as_str().unwrap_or_default();
        *ends.entry(format!("{}{why}", row["end"].as_str().expect("an end"))).or_default() += 1;
    }
    for end in ["stored", "redirected", "gone", "excludedrobots", "excludedtype", "dead"] {
        assert!(ends.get(end).is_some_and(|count| *count > 5), "{end} in {ends:?}");
    }
}
