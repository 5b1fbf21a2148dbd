//! How many messages per second are sent and received, with few and with many waiting: `cargo run --release -p fogbank-queue
//! --example rates -- 1000 1000000`. Over the crate's own interface, without HTTP, on a disk that is synced.
#![allow(clippy::unwrap_used)]

use fogbank_delivery::Signer;
use fogbank_model::SystemClock;
use fogbank_queue::{Draft, QueueKey, Queues, Receive, Sender};
use fogbank_store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const CONNECTIONS: usize = 16;
const MESSAGES: usize = 8_000;

#[tokio::main]
async fn main() {
    for waiting in std::env::args().skip(1).filter_map(|text| text.parse().ok()) {
        for fifo in [false, true] {
            measure(waiting, fifo).await;
        }
    }
}

fn sender() -> Sender {
    Sender { id: "rates".into(), arn: "arn:aws:iam::000000000000:root".into() }
}

async fn measure(waiting: usize, fifo: bool) {
    let home = tempfile::tempdir_in(".").unwrap();
    let store = Store::open(home.path(), Arc::new(SystemClock)).unwrap();
    let queues =
        Queues::open(&store, Arc::new(SystemClock), Signer::open(&store, Arc::new(SystemClock)).await.unwrap())
            .await
            .unwrap();
    let name = if fifo { "q.fifo" } else { "q" };
    let key =
        QueueKey { account: "000000000000".parse().unwrap(), region: "us-east-1".parse().unwrap(), name: name.into() };
    let given = if fifo { BTreeMap::from([("FifoQueue".to_owned(), "true".to_owned())]) } else { BTreeMap::new() };
    queues.create(&key, given, BTreeMap::new()).await.unwrap();
    for begin in (0..waiting).step_by(1000) {
        let drafts = (begin..(begin + 1000).min(waiting)).map(|number| draft(fifo, "old", number)).collect();
        queues.send(&key, &sender(), drafts).await.unwrap();
    }
    let (started, before) = (Instant::now(), cpu_ticks());
    each(|at| {
        let (queues, key) = (queues.clone(), key.clone());
        async move {
            for number in 0..MESSAGES / CONNECTIONS {
                let sent = queues.send(&key, &sender(), vec![draft(fifo, &format!("new{at}"), number)]).await.unwrap();
                assert!(sent[0].is_ok());
            }
        }
    })
    .await;
    let sent = MESSAGES as f64 / started.elapsed().as_secs_f64();
    let sent_cpu = cpu_ticks() - before;
    let (started, before) = (Instant::now(), cpu_ticks());
    each(|_| {
        let (queues, key) = (queues.clone(), key.clone());
        async move {
            let how = Receive { limit: 1, ..Receive::default() };
            for _ in 0..MESSAGES / CONNECTIONS {
                for received in queues.receive(&key, &how).await.unwrap() {
                    queues.delete_messages(&key, vec![received.handle]).await.unwrap();
                }
            }
        }
    })
    .await;
    let received = MESSAGES as f64 / started.elapsed().as_secs_f64();
    let micros = |ticks: u64| ticks as f64 * 10_000.0 / MESSAGES as f64;
    let (sent_cpu, received_cpu) = (micros(sent_cpu), micros(cpu_ticks() - before));
    println!(
        "{waiting:>8} waiting, fifo {fifo:5}: {sent:>6.0} sent/s ({sent_cpu:.0} us of CPU each), \
         {received:>6.0} received and deleted/s ({received_cpu:.0} us)"
    );
}

/// The process's CPU time in hundredths of a second, which says more than the clock on a machine that others use.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn draft(fifo: bool, word: &str, number: usize) -> Draft {
    let body = format!("{word}-{number:0>100}");
    let group = fifo.then(|| format!("g{}", number % 1000));
    Draft { deduplication: fifo.then(|| body.clone()), body, group, ..Draft::default() }
}

async fn each<F: Future<Output = ()> + Send + 'static>(run: impl Fn(usize) -> F) {
    let tasks: Vec<_> = (0..CONNECTIONS).map(|at| tokio::spawn(run(at))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}
