//! Random histories of writing, splitting, merging and reading against a plain model: nothing is lost or doubled, what one partition key wrote
//! is read in its order by whoever reads parents before their children, and the open shards take every hash key once.

use super::*;
use std::collections::BTreeSet;

const STEPS: usize = 150;
const KEYS: u64 = 12;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What each partition key wrote, in order.
type Model = BTreeMap<String, Vec<String>>;

/// A consumer that reads a shard when it has read its parents.
#[derive(Default)]
struct Reader {
    places: BTreeMap<u64, Place>,
    ended: BTreeSet<u64>,
    read: Model,
    last: BTreeMap<String, String>,
}

impl Reader {
    /// Reads a little of everything that may be read. Answers whether there was anything.
    fn turn(&mut self, bench: &Bench, limit: usize) -> bool {
        let mut moved = false;
        for shard in bench.streams.shards(&bench.key).unwrap() {
            if self.ended.contains(&shard.number) || shard.parents().any(|parent| !self.ended.contains(&parent)) {
                continue;
            }
            let from = self.places.get(&shard.number).copied().unwrap_or_default();
            let batch = bench.streams.read(&bench.key, &shard.id(), from, limit).unwrap();
            moved |= !batch.records.is_empty() || batch.end.is_some();
            for record in &batch.records {
                let sequence = record.sequence.to_string();
                let before = self.last.insert(record.partition_key.clone(), sequence.clone());
                assert!(before.is_none_or(|before| before < sequence), "{} after {sequence}", record.partition_key);
                let data = String::from_utf8(record.data.to_vec()).unwrap();
                self.read.entry(record.partition_key.clone()).or_default().push(data);
            }
            self.places.insert(shard.number, batch.next);
            if let Some(children) = batch.end {
                assert!(children.iter().all(|child| child.parents().any(|parent| parent == shard.number)));
                self.ended.insert(shard.number);
            }
        }
        moved
    }
}

fn check_ranges(bench: &Bench) {
    let shards = bench.streams.shards_of(&bench.key, Filter::Open, None, usize::MAX).unwrap().0;
    let mut ranges: Vec<_> = shards.iter().map(|shard| (shard.range.start.0, shard.range.end.0)).collect();
    ranges.sort_unstable();
    assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, u128::MAX));
    assert!(ranges.windows(2).all(|pair| pair[0].1.checked_add(1) == Some(pair[1].0)), "{ranges:?}");
    let stream = bench.streams.stream(&bench.key).unwrap();
    assert_eq!(stream.open_shards, shards.len() as u64);
    let counts = bench.streams.counts(&bench.key.account, &bench.key.region).unwrap();
    assert_eq!(counts.provisioned_shards, stream.open_shards);
}

async fn write(bench: &Bench, random: &mut Random, model: &mut Model, number: &mut u64) {
    let mut drafts = Vec::new();
    for _ in 0..=random.below(4) {
        *number += 1;
        let partition_key = format!("k{}", random.below(KEYS));
        let data = number.to_string().into();
        drafts.push(Draft { data, partition_key, hash_key: None, after: None });
    }
    let results = bench.streams.put(&bench.key, drafts.clone()).await.unwrap();
    for (draft, result) in drafts.into_iter().zip(results) {
        result.unwrap();
        model.entry(draft.partition_key).or_default().push(String::from_utf8(draft.data.to_vec()).unwrap());
    }
}

/// Splits, merges or scales; what cannot be is refused and changes nothing.
async fn reshard(bench: &Bench, random: &mut Random) {
    let open = bench.streams.shards_of(&bench.key, Filter::Open, None, usize::MAX).unwrap().0;
    let (one, other) =
        (&open[random.below(open.len() as u64) as usize], &open[random.below(open.len() as u64) as usize]);
    match random.below(3) {
        0 if open.len() < 12 => {
            let width = one.range.end.0 - one.range.start.0;
            let at = HashKey(one.range.start.0 + width / 100 * u128::from(random.below(100)));
            let may = at.0 > one.range.start.0 + 1 && at < one.range.end;
            assert_eq!(bench.streams.split(&bench.key, &one.id(), at).await.is_ok(), may);
        }
        0 | 1 => {
            let follows = |a: &Shard, b: &Shard| a.range.end.0.checked_add(1) == Some(b.range.start.0);
            let may = follows(one, other) || follows(other, one);
            assert_eq!(bench.streams.merge(&bench.key, &one.id(), &other.id()).await.is_ok(), may);
        }
        _ => {
            let count = open.len() as u64;
            let target = 1 + random.below(10);
            let may = target <= count * 2 && target >= count.div_ceil(2);
            match bench.streams.rescale(&bench.key, target).await {
                Ok(before) => assert!(may && before == count),
                // More than ten times in a day.
                Err(Error::Limit(_)) => {}
                Err(error) => assert!(!may, "{error}"),
            }
        }
    }
}

async fn history(seed: u64) {
    let mut random = Random(seed);
    let bench = Bench::with(1 + random.below(4), Mode::Provisioned).await;
    let (mut model, mut reader, mut number) = (Model::new(), Reader::default(), 0);
    for _ in 0..STEPS {
        match random.below(10) {
            0..=4 => write(&bench, &mut random, &mut model, &mut number).await,
            5 | 6 => reshard(&bench, &mut random).await,
            7 => bench.clock.advance(Duration::from_millis(random.below(3_000))),
            8 => sweep::sweep(&bench.store, bench.clock.as_ref()).await.unwrap(),
            _ => drop(reader.turn(&bench, 1 + random.below(5) as usize)),
        }
        check_ranges(&bench);
    }
    while reader.turn(&bench, 3) {}
    assert_eq!(reader.read, model, "seed {seed}");
    let mut anew = Reader::default();
    while anew.turn(&bench, 10_000) {}
    assert_eq!(anew.read, model, "seed {seed}");
}

#[tokio::test]
async fn nothing_is_lost_or_out_of_order_whatever_becomes_of_shards() {
    for seed in 0..8 {
        history(seed).await;
    }
}
