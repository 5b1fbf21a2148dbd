//! Answers with its event and context, fails if the event is `"fail"`, or streams if its handler is called `stream`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn, streaming};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("_HANDLER").as_deref() == Ok("stream") {
        run(service_fn(stream)).await
    } else {
        run(service_fn(answer)).await
    }
}

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload == "fail" {
        return Err("nope".into());
    }
    Ok(json!([event.payload, event.context.env_config.function_name]))
}

async fn stream(_event: LambdaEvent<Value>) -> Result<streaming::Response<streaming::Body>, Error> {
    let (mut sender, body) = streaming::channel();
    tokio::spawn(async move {
        for piece in ["one ", "two"] {
            sender.send_data(piece.into()).await?;
        }
        Ok::<_, Error>(())
    });
    Ok(streaming::Response::from(body))
}
