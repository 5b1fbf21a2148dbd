//! Random histories against a model that is nothing but a list of messages.

use super::*;
use fogbank_model::Clock;

const HISTORIES: u64 = 30;
const STEPS: usize = 150;
const MAX_RECEIVES: u32 = 3;

/// A message of the model.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    group: String,
    received: u32,
    /// Hidden until then: by its delay if it was never received.
    until: Timestamp,
}

impl Known {
    fn is_hidden(&self, now: Timestamp) -> bool {
        self.until > now
    }

    fn is_exhausted(&self) -> bool {
        self.received >= MAX_RECEIVES
    }
}

struct Run {
    bench: Bench,
    dice: TestClock,
    seed: u64,
    fifo: bool,
    key: QueueKey,
    dead: QueueKey,
    /// In the order in which they were sent.
    known: Vec<Known>,
    handles: Vec<(String, String, u32)>,
    accepted: BTreeMap<String, (Timestamp, String)>,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let bench = Bench::new(seed).await;
        let fifo = seed % 2 == 1;
        let name = |stem: &str| if fifo { format!("{stem}.fifo") } else { stem.to_owned() };
        let kind: &[(&str, &str)] = if fifo { &[("FifoQueue", "true")] } else { &[] };
        let dead = bench.create(&name("dead"), kind).await;
        let policy = format!("{{\"deadLetterTargetArn\": \"{}\", \"maxReceiveCount\": {MAX_RECEIVES}}}", dead.arn());
        let key = bench.create(&name("q"), &[kind, &[("RedrivePolicy", policy.as_str())]].concat()).await;
        let dice = TestClock::new(Timestamp(0), seed + 1000);
        let (known, handles, accepted) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { bench, dice, seed, fifo, key, dead, known, handles, accepted }
    }

    fn roll(&self, sides: usize) -> usize {
        (self.dice.fraction() * sides as f64) as usize
    }

    fn now(&self) -> Timestamp {
        self.bench.clock.now()
    }

    fn blocked(&self, group: &str) -> bool {
        let now = self.now();
        self.fifo && self.known.iter().any(|known| known.group == group && known.received > 0 && known.is_hidden(now))
    }

    /// What may be received now: in a FIFO queue the beginnings of the groups that nothing blocks.
    fn receivable(&self) -> Vec<Known> {
        let now = self.now();
        let mut stopped: Vec<&str> = Vec::new();
        let mut found = Vec::new();
        for known in &self.known {
            if known.is_hidden(now) {
                stopped.push(&known.group);
            } else if !(self.fifo && (stopped.contains(&known.group.as_str()) || self.blocked(&known.group))) {
                found.push(known.clone());
            }
        }
        found
    }

    async fn send(&mut self) {
        let mut draft = text("x");
        let delay = if self.fifo || self.roll(3) > 0 { 0 } else { self.roll(20) };
        if self.fifo {
            draft.group = Some(format!("g{}", self.roll(4)));
            draft.deduplication = Some(format!("d{}", self.roll(60)));
        } else {
            draft.delay_s = Some(delay as i64);
        }
        let sent = self.bench.send(&self.key, draft.clone()).await.unwrap();
        if let Some(id) = &draft.deduplication {
            let remembered = self.accepted.get(id).filter(|(at, _)| self.now().since(*at) < Duration::from_secs(300));
            if let Some((_, first)) = remembered {
                assert_eq!(*first, sent.id, "seed {}", self.seed);
                return;
            }
            self.accepted.insert(id.clone(), (self.now(), sent.id.clone()));
        }
        let until = self.now().plus(Duration::from_secs(delay as u64));
        self.known.push(Known { id: sent.id, group: draft.group.unwrap_or_default(), received: 0, until });
    }

    async fn receive(&mut self) {
        let limit = 1 + self.roll(10);
        let visibility = [0, 5, 30][self.roll(3)];
        let how = Receive { limit: limit as i64, visibility_s: Some(visibility), ..Receive::default() };
        let mut receivable = self.receivable();
        let received = self.bench.queues.receive(&self.key, &how).await.unwrap();
        self.bury(&mut receivable).await;
        assert!(received.len() <= limit);
        if received.is_empty() {
            assert!(receivable.is_empty(), "seed {}: nothing received of {receivable:?}", self.seed);
        } else if !self.fifo && received.len() < limit {
            assert_eq!(received.len(), receivable.len(), "seed {}", self.seed);
        }
        let until = self.now().plus(Duration::from_secs(visibility as u64));
        for message in received {
            let at = receivable.iter().position(|known| known.id == message.message.id);
            let at = at.unwrap_or_else(|| panic!("seed {}: {} cannot be received", self.seed, message.message.id));
            let taken = receivable.remove(at);
            assert!(!taken.is_exhausted(), "seed {}", self.seed);
            let earlier = receivable[..at].iter().any(|known| self.fifo && known.group == taken.group);
            assert!(!earlier, "seed {}: out of order", self.seed);
            let known = self.known.iter_mut().find(|known| known.id == taken.id).unwrap();
            known.received += 1;
            known.until = until;
            assert_eq!(message.receive_count, known.received, "seed {}", self.seed);
            self.handles.push((message.handle, taken.id, known.received));
        }
    }

    /// Empties the dead-letter queue; only what was received often enough may be there.
    async fn bury(&mut self, receivable: &mut Vec<Known>) {
        loop {
            let given_up = self.bench.receive(&self.dead, 10).await;
            if given_up.is_empty() {
                return;
            }
            for message in given_up {
                let id = &message.message.id;
                let at = receivable.iter().position(|known| known.id == *id && known.is_exhausted());
                receivable.remove(at.unwrap_or_else(|| panic!("seed {}: {id} was given up", self.seed)));
                self.known.retain(|known| known.id != *id);
                self.bench.delete(&self.dead, &message.handle).await.unwrap();
            }
        }
    }

    /// A handle, its message if that is still there, and whether it is held with this very handle.
    fn some_handle(&self) -> Option<(String, Option<usize>, bool)> {
        let (handle, id, received) = self.handles.get(self.roll(self.handles.len().max(1)))?;
        let at = self.known.iter().position(|known| known.id == *id);
        let is_held = at.is_some_and(|at| self.known[at].is_hidden(self.now()) && self.known[at].received == *received);
        Some((handle.clone(), at, is_held))
    }

    async fn delete(&mut self) {
        let Some((handle, at, is_held)) = self.some_handle() else { return };
        let deleted = self.bench.delete(&self.key, &handle).await;
        match at {
            Some(_) if self.fifo && !is_held => assert!(deleted.is_err(), "seed {}", self.seed),
            Some(at) => {
                assert_eq!(deleted, Ok(()), "seed {}", self.seed);
                self.known.remove(at);
            }
            None => assert_eq!(deleted, Ok(()), "seed {}", self.seed),
        }
    }

    async fn hide(&mut self) {
        let Some((handle, at, is_held)) = self.some_handle() else { return };
        let seconds = [0, 3, 60][self.roll(3)];
        let change = Hide { handle, seconds };
        let changed = self.bench.queues.change_visibility(&self.key, vec![change]).await.unwrap().pop().unwrap();
        let now = self.now();
        let in_flight = at.filter(|at| self.known[*at].is_hidden(now) && (is_held || !self.fifo));
        assert_eq!(changed.is_ok(), in_flight.is_some(), "seed {}: {changed:?}", self.seed);
        if let Some(at) = in_flight {
            self.known[at].until = now.plus(Duration::from_secs(seconds as u64));
        }
    }

    async fn check(&self) {
        let now = self.now();
        let mut expected = Counts::default();
        for known in &self.known {
            match (known.is_hidden(now), known.received) {
                (false, _) => expected.visible += 1,
                (true, 0) => expected.delayed += 1,
                (true, _) => expected.in_flight += 1,
            }
        }
        assert_eq!(self.bench.queues.counts(&self.key).await.unwrap(), expected, "seed {}", self.seed);
    }

    async fn step(&mut self) {
        match self.roll(20) {
            0..6 => self.send().await,
            6..11 => self.receive().await,
            11..15 => self.delete().await,
            15..17 => self.hide().await,
            17..19 => self.bench.clock.advance(Duration::from_secs(self.roll(40) as u64)),
            _ if self.roll(10) == 0 => {
                if self.bench.queues.purge(&self.key).await.is_ok() {
                    self.known.clear();
                    self.accepted.clear();
                }
            }
            _ => self.bench.clock.advance(Duration::from_secs(100)),
        }
        self.check().await;
    }
}

#[tokio::test]
async fn random_histories_match_the_model() {
    for seed in 0..HISTORIES {
        let mut run = Run::new(seed).await;
        for _ in 0..STEPS {
            run.step().await;
        }
    }
}
