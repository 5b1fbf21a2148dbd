use super::*;

fn next(expression: &str, after: &str, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let after: jiff::Timestamp = after.parse().unwrap();
    let found = Schedule::parse(expression).unwrap().next_after(Timestamp(after.as_millisecond()), &zone);
    found.map_or("never".into(), |at| jiff::Timestamp::from_millisecond(at.0).unwrap().to_string())
}

#[test]
fn expressions_say_when_they_are_due() {
    let cases = [
        ("rate(5 minutes)", "2024-01-01T00:00:10Z", "2024-01-01T00:05:10Z"),
        ("rate(1 hour)", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"),
        ("rate(2 days)", "2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"),
        ("cron(0 10 * * ? *)", "2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z"),
        ("cron(15 12 * * ? *)", "2024-01-01T12:14:59.999Z", "2024-01-01T12:15:00Z"),
        ("cron(0 18 ? * MON-FRI *)", "2024-01-05T18:00:00Z", "2024-01-08T18:00:00Z"),
        ("cron(0/15 * * * ? *)", "2024-01-01T23:45:00Z", "2024-01-02T00:00:00Z"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2024-01-05T17:55:00Z", "2024-01-08T08:00:00Z"),
        ("cron(0 0 L * ? *)", "2024-02-01T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("cron(0 0 L-2 * ? *)", "2024-02-01T00:00:00Z", "2024-02-27T00:00:00Z"),
        ("cron(0 0 LW * ? *)", "2024-03-01T00:00:00Z", "2024-03-29T00:00:00Z"),
        ("cron(0 0 1W * ? *)", "2024-05-31T00:00:00Z", "2024-06-03T00:00:00Z"),
        ("cron(0 0 15W * ? *)", "2024-06-01T00:00:00Z", "2024-06-14T00:00:00Z"),
        ("cron(0 0 ? * 6L *)", "2024-03-01T00:00:00Z", "2024-03-29T00:00:00Z"),
        ("cron(0 0 ? * FRIL *)", "2024-03-29T00:00:00Z", "2024-04-26T00:00:00Z"),
        ("cron(0 0 ? * L *)", "2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z"),
        ("cron(0 0 ? * 3#2 *)", "2024-03-01T00:00:00Z", "2024-03-12T00:00:00Z"),
        ("cron(0 0 ? * MON#5 *)", "2024-02-01T00:00:00Z", "2024-04-29T00:00:00Z"),
        ("cron(0 0 29 2 ? *)", "2025-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("cron(0 0 ? 2 SUN 2023)", "2024-01-01T00:00:00Z", "never"),
        ("cron(0 0 31 feb ? *)", "2024-01-01T00:00:00Z", "never"),
        ("cron(0 22-2/2 ? * FRI-MON *)", "2024-01-05T00:00:00Z", "2024-01-05T02:00:00Z"),
        ("at(2024-01-01T10:00:00)", "2024-01-01T00:00:00Z", "2024-01-01T10:00:00Z"),
        ("at(2024-01-01T10:00:00)", "2024-01-01T10:00:00Z", "never"),
    ];
    for (expression, after, expected) in cases {
        assert_eq!(next(expression, after, "UTC"), expected, "{expression} after {after}");
    }
}

#[test]
fn a_local_time_that_is_skipped_is_not_due_and_one_that_comes_twice_is_due_once() {
    let daily = "cron(30 2 * * ? *)";
    assert_eq!(next(daily, "2024-03-30T12:00:00Z", "Europe/Berlin"), "2024-04-01T00:30:00Z");
    assert_eq!(next(daily, "2024-10-26T12:00:00Z", "Europe/Berlin"), "2024-10-27T00:30:00Z");
    assert_eq!(next(daily, "2024-10-27T00:30:00Z", "Europe/Berlin"), "2024-10-28T01:30:00Z");
}

#[test]
fn bad_expressions_are_refused() {
    let cases = [
        "",
        "rate()",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(5 seconds)",
        "rate(5 minutes) ",
        "cron(* * * * *)",
        "cron(* * * * * *)",
        "cron(* * ? * ? *)",
        "cron(60 * * * ? *)",
        "cron(* 24 * * ? *)",
        "cron(* * 0 * ? *)",
        "cron(* * ? * 0 *)",
        "cron(* * ? * 8 *)",
        "cron(* * * 13 ? *)",
        "cron(* * * * ? 1969)",
        "cron(* * * * ? 2200)",
        "cron(0/0 * * * ? *)",
        "cron(* * ? * 2#6 *)",
        "cron(* * ? * MON#1,TUE#2 *)",
        "cron(* * 32W * ? *)",
        "CRON(* * * * ? *)",
        "at(2024-01-01)",
        "at(2024-13-01T00:00:00)",
        "at(2024-01-01T00:00:00Z)",
        "every(5 minutes)",
    ];
    for text in cases {
        assert_eq!(Schedule::parse(text), Err(InvalidSchedule), "{text}");
    }
    assert!(Schedule::parse_any_number("rate(1 minutes)").is_ok());
}

/// The slow way: looks at each minute.
fn naive(cron: &Cron, after: Timestamp, zone: &TimeZone, minutes: i64) -> Option<Timestamp> {
    let first = after.0.div_euclid(60_000) + 1;
    (first..first + minutes).map(|minute| minute * 60_000).map(Timestamp).find(|at| {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap();
        let local = zone.to_datetime(instant);
        cron.contains(local) && zone.to_ambiguous_timestamp(local).earlier().unwrap() == instant
    })
}

#[test]
fn the_next_time_is_the_one_that_looking_at_every_minute_finds() {
    let fields: [&[&str]; 4] = [
        &["*", "0", "30", "0/7", "5-20/3", "1,59"],
        &["*", "0", "1", "2", "2-3", "22-2", "0/6"],
        &[
            "* * ?",
            "L * ?",
            "1W * ?",
            "LW * ?",
            "? * SUN",
            "? * 1L",
            "? * 3#2",
            "? 3,10-11 SAT-SUN",
            "31 * ?",
            "28/1 2-4 ?",
        ],
        &["*", "2023-2025", "2024"],
    ];
    let zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];
    let mut state = 7_u64;
    let mut pick = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for _ in 0..400 {
        let [minute, hour, day, year] = fields.map(|choices| choices[pick(choices.len())]);
        let text = format!("{minute} {hour} {day} {year}");
        let zone = TimeZone::get(zones[pick(zones.len())]).unwrap();
        let cron = Cron::parse(&text).unwrap();
        // Around the changes of the clocks of 2024 in either hemisphere.
        let around =
            [1_710_000_000_000_i64, 1_711_800_000_000, 1_712_400_000_000, 1_728_100_000_000, 1_730_000_000_000];
        let after = Timestamp(around[pick(around.len())] + pick(400_000_000) as i64);
        let horizon = 3 * 24 * 60;
        let end = after.0 + horizon * 60_000;
        let found = cron.next_after(after, &zone).filter(|at| at.0 <= end);
        assert_eq!(found, naive(&cron, after, &zone, horizon), "cron({text}) after {after:?} in {zone:?}");
    }
}
