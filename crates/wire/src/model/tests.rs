#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn every_embedded_table_parses_and_most_patterns_are_understood() {
    let (mut known, mut all) = (0, 0);
    for source in ModelSource::all() {
        let model = source.model();
        assert_eq!(model.name, source.name);
        assert!(!model.operations.is_empty());
        for shape in model.shapes.iter().filter(|shape| shape.pattern.is_some()) {
            all += 1;
            match shape.regex() {
                Some(_) => known += 1,
                None => eprintln!("{} {}: {}", source.name, shape.name, shape.pattern.as_deref().unwrap()),
            }
        }
    }
    assert!(known * 10 >= all * 8, "{known} of {all} patterns compile");
}

#[test]
fn lambda_is_as_aws_describes_it() {
    let model = ModelSource::find("lambda").unwrap().model();
    let invoke = model.operation("Invoke").unwrap();
    assert_eq!(
        (invoke.method.as_str(), invoke.uri.as_str()),
        ("POST", "/2015-03-31/functions/{FunctionName}/invocations")
    );
    let input = model.shape(invoke.input.unwrap());
    assert_eq!(input.payload.as_deref(), Some("Payload"));
    assert_eq!(input.member("InvocationType").unwrap().wire(), "X-Amz-Invocation-Type");
    assert!(input.member("FunctionName").unwrap().required);
    let error = model.error(Some(invoke), "ResourceNotFoundException").unwrap();
    assert_eq!(error.error_status, Some(404));
}
