//! A runtime whose instances do what a variable of their function says.

use super::*;
use crate::runtime::{
    Event, Instance, InstanceSpec, Outcome, Resolution, Snapshot, StartError, Started, StreamEnd, Taken,
};

/// Starts instances that obey the variable `MODE` of their function.
pub(crate) struct Puppet {
    pub started: AtomicUsize,
    /// Calls in mode `wait` take a permit each.
    pub gate: Arc<Semaphore>,
    pub specs: Mutex<Vec<InstanceSpec>>,
    /// What snapshots were taken of.
    pub snapshots: Mutex<Vec<InstanceSpec>>,
    /// Ends the snapshots that are there, or only makes them useless without a word.
    pub loss: Arc<Notify>,
    pub broken: Arc<AtomicBool>,
    /// Ends the idle instances of mode `mortal`.
    pub death: Arc<Notify>,
    pub log: Arc<LogTail>,
    /// What instances of mode `judge` answer.
    pub judge: Judge,
}

/// Answers an event, or fails with an error's message.
type Judge = Arc<Mutex<Box<dyn FnMut(serde_json::Value) -> Result<serde_json::Value, String> + Send>>>;

struct PuppetSnapshot {
    judge: Judge,
    gate: Arc<Semaphore>,
    death: Arc<Notify>,
    log: Arc<LogTail>,
    loss: Arc<Notify>,
    broken: Arc<AtomicBool>,
}

impl Snapshot for PuppetSnapshot {
    fn restore(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        Box::pin(async move {
            if self.broken.load(Ordering::SeqCst) {
                return Err(StartError::SnapshotLost);
            }
            let mode = spec.environment.get("MODE").cloned().unwrap_or_default();
            let (gate, death, log) = (self.gate.clone(), self.death.clone(), self.log.clone());
            let instance = Box::new(PuppetInstance { judge: self.judge.clone(), mode, spec, gate, death, log });
            Ok(Started { instance, init: Duration::from_micros(2500) })
        })
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.loss.notified())
    }
}

struct PuppetInstance {
    judge: Judge,
    mode: String,
    spec: InstanceSpec,
    gate: Arc<Semaphore>,
    death: Arc<Notify>,
    log: Arc<LogTail>,
}

impl Runtime for Puppet {
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.specs.lock().unwrap().push(spec.clone());
        Box::pin(async move {
            assert!(spec.code.is_dir() && spec.layers.iter().all(|layer| layer.is_dir()));
            let mode = spec.environment.get("MODE").cloned().unwrap_or_default();
            match mode.as_str() {
                "init_error" => {
                    let error_type = "Runtime.ImportModuleError".into();
                    let payload = r#"{"errorType":"Runtime.ImportModuleError"}"#.into();
                    return Err(StartError::Init { error_type, payload, after: Duration::from_millis(30) });
                }
                "no_runtime" => return Err(StartError::NoRuntime("it was taken from this machine".into())),
                "slow_init" => drop(self.gate.acquire().await),
                _ => {}
            }
            let (gate, death, log) = (self.gate.clone(), self.death.clone(), self.log.clone());
            let instance = Box::new(PuppetInstance { judge: self.judge.clone(), mode, spec, gate, death, log });
            Ok(Started { instance, init: Duration::from_millis(100) })
        })
    }

    fn snapshot(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Taken, StartError>> {
        Box::pin(async move {
            self.snapshots.lock().unwrap().push(spec.clone());
            self.broken.store(false, Ordering::SeqCst);
            match spec.environment.get("SNAPSHOT").map(String::as_str) {
                None => return Err(StartError::NoRuntime(format!("{} has no snapshots", spec.runtime))),
                Some("slow") => self.gate.acquire().await.unwrap().forget(),
                Some("import_error") => {
                    let error_type = "Runtime.ImportModuleError".into();
                    let payload = r#"{"errorType":"Runtime.ImportModuleError","errorMessage":"No module named 'x'"}"#;
                    return Err(StartError::Init {
                        error_type,
                        payload: payload.into(),
                        after: Duration::from_secs(1),
                    });
                }
                Some("timeout") => return Err(StartError::InitTimeout(Duration::from_secs(10))),
                Some("no_sandbox") => return Err(StartError::Sandbox("no more processes".into())),
                Some(_) => {}
            }
            let snapshot = Arc::new(PuppetSnapshot {
                judge: self.judge.clone(),
                gate: self.gate.clone(),
                death: self.death.clone(),
                log: self.log.clone(),
                loss: self.loss.clone(),
                broken: self.broken.clone(),
            });
            Ok(Taken { snapshot, init: Duration::from_millis(800) })
        })
    }

    fn expect(&self, _: &str, _: u32) {}

    fn resolve(&self, runtime: &str) -> Resolution {
        match runtime.starts_with("java") {
            true => Resolution::Missing("Install a JDK.".into()),
            false => Resolution::Exact,
        }
    }

    fn prepare<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn accept<'a>(
        &'a self,
        _: &'a str,
        handler: &'a str,
        code: &'a std::path::Path,
    ) -> BoxFuture<'a, Result<(), String>> {
        assert!(code.is_dir());
        let accepted = if handler == "bad.handler" { Err("The code is no good.".into()) } else { Ok(()) };
        Box::pin(std::future::ready(accepted))
    }
}

impl Instance for PuppetInstance {
    fn invoke(&self, event: Event) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.log.write(&self.spec.log, Timestamp(0), format!("working on {}\n", event.request_id));
            match self.mode.as_str() {
                "fail" => Outcome::Failed {
                    error_type: "KeyError".into(),
                    payload: r#"{"errorType":"KeyError","errorMessage":"x"}"#.into(),
                },
                "crash" => Outcome::Crashed {
                    error_type: "Runtime.ExitError".into(),
                    reason: "Runtime exited with error: exit status 1".into(),
                },
                "oom" => Outcome::Crashed {
                    error_type: "Runtime.OutOfMemory".into(),
                    reason: "Runtime exited with error: signal: killed".into(),
                },
                "judge" => {
                    let event = serde_json::from_slice(&event.payload).unwrap();
                    match (self.judge.lock().unwrap())(event) {
                        Ok(answer) => Outcome::Answered(answer.to_string().into()),
                        Err(message) => Outcome::Failed {
                            error_type: "Judged".into(),
                            payload: json!({"errorType": "Judged", "errorMessage": message}).to_string().into(),
                        },
                    }
                }
                "cut" => {
                    self.gate.acquire().await.unwrap().forget();
                    Outcome::Crashed {
                        error_type: "Runtime.ExitError".into(),
                        reason: "Runtime exited with error: signal: killed".into(),
                    }
                }
                "hang" => Outcome::TimedOut,
                "wait" => {
                    self.gate.acquire().await.unwrap().forget();
                    Outcome::Answered(event.payload)
                }
                "version" => Outcome::Answered(json!(self.spec.version).to_string().into()),
                "large" => Outcome::Answered(vec![b' '; limits::SYNC_PAYLOAD_BYTES + 1].into()),
                "stream" => {
                    let (pieces, chunks) = mpsc::channel(4);
                    let (done, end) = oneshot::channel();
                    tokio::spawn(async move {
                        for piece in ["one ", "two ", "three"] {
                            drop(pieces.send(Bytes::from_static(piece.as_bytes())).await);
                        }
                        drop(pieces);
                        drop(done.send(StreamEnd::Complete));
                    });
                    Outcome::Streaming { content_type: Some("text/plain".into()), chunks, end }
                }
                _ => match event.head {
                    None => Outcome::Answered(event.payload),
                    Some(asked) => {
                        let answer = ::http::Response::builder().status(418).header("x-path", asked.uri.path());
                        let (head, ()) = answer.body(()).unwrap().into_parts();
                        Outcome::Responded(Box::new(head), event.payload)
                    }
                },
            }
        })
    }

    fn ended(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match self.mode.as_str() {
                "mortal" => self.death.notified().await,
                _ => std::future::pending().await,
            }
        })
    }

    fn max_memory_mb(&self) -> u32 {
        if self.mode == "hungry" { self.spec.memory_mb } else { 40 }
    }
}
