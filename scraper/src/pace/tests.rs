//! The pace under a paused clock: time moves only when everybody waits.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

const MINUTE: Duration = Duration::from_secs(60);

fn host(name: &str) -> HostKey {
    name.parse().unwrap()
}

fn limits(per_host: usize, gap_ms: u64) -> Limits {
    Limits { per_host, gap: Duration::from_millis(gap_ms), earliest: None, adaptive: None }
}

fn pace(slots: usize) -> Arc<Pace> {
    Arc::new(Pace::new(slots, 10 * MINUTE, 5 * MINUTE))
}

#[tokio::test(start_paused = true)]
async fn starts_are_a_gap_apart_and_in_order() {
    let pace = pace(10);
    let begun = Instant::now();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for n in 0..5 {
        let (pace, starts) = (Arc::clone(&pace), Arc::clone(&starts));
        tasks.push(tokio::spawn(async move {
            let _pass = pace.enter(&host("a.example"), limits(9, 500)).await.unwrap();
            starts.lock().unwrap().push((n, begun.elapsed().as_millis()));
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let starts = starts.lock().unwrap();
    assert_eq!(*starts, [(0, 0), (1, 500), (2, 1000), (3, 1500), (4, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn requests_at_once_are_bounded_by_host_and_over_all() {
    let pace = pace(5);
    let peak: Arc<[AtomicUsize; 4]> = Arc::default();
    let now: Arc<[AtomicUsize; 4]> = Arc::default();
    let mut tasks = Vec::new();
    for n in 0..60 {
        let (pace, peak, now) = (Arc::clone(&pace), Arc::clone(&peak), Arc::clone(&now));
        tasks.push(tokio::spawn(async move {
            let which = n % 3;
            let _pass = pace.enter(&host(&format!("h{which}.example")), limits(2, 0)).await.unwrap();
            for counter in [which, 3] {
                let at_once = now[counter].fetch_add(1, Ordering::SeqCst) + 1;
                peak[counter].fetch_max(at_once, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            for counter in [which, 3] {
                now[counter].fetch_sub(1, Ordering::SeqCst);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let peak: Vec<usize> = peak.iter().map(|p| p.load(Ordering::SeqCst)).collect();
    assert_eq!(peak, [2, 2, 2, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_host_takes_no_slot() {
    let pace = pace(1);
    drop(pace.enter(&host("slow.example"), limits(1, 0)).await.unwrap());
    let waiting = tokio::spawn({
        let pace = Arc::clone(&pace);
        async move { pace.enter(&host("slow.example"), limits(1, 60_000)).await.map(drop) }
    });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    for _ in 0..100 {
        drop(pace.enter(&host("fast.example"), limits(1, 0)).await.unwrap());
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    waiting.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn the_tasks_own_instant_holds() {
    let pace = pace(1);
    let begun = Instant::now();
    let earliest = Some(begun + Duration::from_secs(7));
    drop(pace.enter(&host("a.example"), Limits { earliest, ..limits(1, 0) }).await.unwrap());
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_throttling_host_is_left_alone_and_recovers() {
    let pace = pace(1);
    let a = host("a.example");
    let start = async || {
        let begun = Instant::now();
        let pass = pace.enter(&a, limits(1, 0)).await.unwrap();
        (pass, begun.elapsed().as_secs())
    };
    let (pass, _) = start().await;
    pass.throttled(Some(Duration::from_secs(30)));
    drop(pass);
    // Its own wish is longer than our first back-off of one second, the second of two is longer
    // than no wish at all.
    let (pass, waited) = start().await;
    assert_eq!(waited, 30);
    pass.throttled(None);
    drop(pass);
    let (pass, waited) = start().await;
    assert_eq!(waited, 2);
    pass.answered(Duration::ZERO);
    drop(pass);
    let (pass, waited) = start().await;
    assert_eq!(waited, 1);
    pass.answered(Duration::ZERO);
    pass.answered(Duration::ZERO);
    drop(pass);
    assert_eq!(start().await.1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_answer_stops_those_who_wait_already() {
    let pace = pace(4);
    let a = host("a.example");
    let pass = pace.enter(&a, limits(4, 1_000)).await.unwrap();
    let begun = Instant::now();
    let next = tokio::spawn({
        let (pace, a) = (Arc::clone(&pace), a.clone());
        async move { pace.enter(&a, limits(4, 1_000)).await.map(drop) }
    });
    tokio::task::yield_now().await;
    pass.throttled(Some(Duration::from_secs(20)));
    next.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_bound_is_refused_with_its_length() {
    let pace = Arc::new(Pace::new(4, Duration::from_secs(30), 5 * MINUTE));
    let a = host("a.example");
    drop(pace.enter(&a, limits(1, 0)).await.unwrap());
    let refused = pace.enter(&a, limits(1, 40_000)).await.unwrap_err();
    assert_eq!(refused, TooLong(Duration::from_secs(40)));

    // Nobody knows beforehand how long a request takes.
    let _under_way = pace.enter(&a, limits(1, 0)).await.unwrap();
    let begun = Instant::now();
    assert!(pace.enter(&a, limits(1, 0)).await.is_err());
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn idle_hosts_are_forgotten_but_not_within_their_gap() {
    let pace = pace(1);
    drop(pace.enter(&host("patient.example"), limits(1, 3_600_000)).await.unwrap());
    for n in 0..FIRST_SWEEP * 4 {
        drop(pace.enter(&host(&format!("h{n}.example")), limits(1, 100)).await.unwrap());
        tokio::time::advance(Duration::from_millis(50)).await;
    }
    assert!(pace.known_hosts() <= FIRST_SWEEP * 2, "{}", pace.known_hosts());
    let refused = pace.enter(&host("patient.example"), limits(1, 3_600_000)).await;
    assert!(refused.is_err(), "its gap is remembered");
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_gap_follows_the_host_within_its_bounds() {
    let pace = pace(1);
    let a = host("a.example");
    let limits = Limits { adaptive: Some(Duration::from_secs(20)), ..limits(1, 1_000) };
    let next = async || {
        let begun = Instant::now();
        let pass = pace.enter(&a, limits).await.unwrap();
        (pass, begun.elapsed().as_millis())
    };
    let seconds = Duration::from_secs;
    // What the host does, and the gap after it.
    let answers = [
        (Some(seconds(0)), 1_000),
        (Some(seconds(9)), 9_000),
        (Some(seconds(3)), 6_000),
        (None, 12_000),
        (None, 20_000),
        (None, 20_000),
        (Some(seconds(90)), 20_000),
        (Some(seconds(0)), 10_000),
        (Some(seconds(0)), 5_000),
        (Some(seconds(0)), 2_500),
        (Some(seconds(0)), 1_250),
        (Some(seconds(0)), 1_000),
    ];
    let (mut pass, _) = next().await;
    for (answer, gap) in answers {
        match answer {
            Some(latency) => pass.answered(latency),
            None => pass.strained(),
        }
        drop(pass);
        let waited;
        (pass, waited) = next().await;
        assert_eq!(waited, gap, "after {answer:?}");
    }
    drop(pass);

    // Who does not follow it is bound by their own gap.
    let begun = Instant::now();
    drop(pace.enter(&a, Limits { adaptive: None, ..limits }).await.unwrap());
    assert_eq!(begun.elapsed(), seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_came_from_somebody_else_is_left_alone_for_its_gap() {
    let pace = pace(4);
    let waited = async |name: &str| {
        let begun = Instant::now();
        drop(pace.enter(&host(name), limits(1, 1_000)).await.unwrap());
        begun.elapsed().as_millis()
    };
    assert_eq!(waited("known.example").await, 0);
    tokio::time::sleep(Duration::from_secs(5)).await;
    pace.handed_over();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(waited("known.example").await, 700);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(waited("stranger.example").await, 0, "nobody else has had it since");
}

#[tokio::test(start_paused = true)]
async fn a_gap_counts_from_when_the_host_has_seen_the_request() {
    let pace = pace(4);
    let a = host("a.example");
    let next = async |per_host| {
        let begun = Instant::now();
        let pass = pace.enter(&a, limits(per_host, 1_000)).await.unwrap();
        (pass, begun.elapsed().as_millis())
    };
    let (pass, _) = next(1).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    pass.reached(Instant::now());
    drop(pass);
    let (slow, waited) = next(2).await;
    assert_eq!(waited, 1_000);
    // Who may ask twice at once waits for no answer.
    let (quick, waited) = next(2).await;
    assert_eq!(waited, 1_000);
    tokio::time::sleep(Duration::from_millis(300)).await;
    slow.reached(Instant::now() - Duration::from_millis(200));
    drop((slow, quick));
    assert_eq!(next(2).await.1, 800, "the later one counts");
}

#[tokio::test(start_paused = true)]
async fn who_stood_still_asks_nobody_until_it_must_know_what_it_still_owns() {
    let pace = pace(10);
    drop(pace.enter(&host("a.example"), limits(1, 500)).await.unwrap());
    // Idle for long is not standing still: the ticker beats meanwhile.
    tokio::time::sleep(MINUTE).await;
    let begun = Instant::now();
    drop(pace.enter(&host("a.example"), limits(1, 500)).await.unwrap());
    assert_eq!(begun.elapsed(), Duration::ZERO);

    let waits = {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move { pace.enter(&host("a.example"), limits(1, 500)).await.map(drop) })
    };
    tokio::task::yield_now().await;
    // Time goes on and nobody runs: SIGSTOP for eight seconds.
    tokio::time::advance(Duration::from_secs(8)).await;
    let woken = Instant::now();
    drop(pace.enter(&host("b.example"), limits(1, 500)).await.unwrap());
    assert!(woken.elapsed() >= Duration::from_secs(2), "{:?}", woken.elapsed());
    waits.await.unwrap().unwrap();
    assert!(woken.elapsed() >= Duration::from_secs(2), "who waited when it was frozen waits as well");
}
