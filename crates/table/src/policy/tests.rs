#![allow(clippy::unwrap_used)]

use super::*;

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/t";

fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn refusal(text: &str) -> String {
    Policy::read(text, false).unwrap_err().to_string()
}

fn kept(text: &str) -> String {
    Policy::read(text, false).unwrap().text()
}

#[test]
fn what_is_no_policy_is_refused_in_words_of_its_own() {
    let begin = "One or more parameter values were invalid: Invalid policy document: ";
    for (text, why) in [
        ("", "This policy contains invalid Json"),
        ("[]", "This policy contains invalid Json"),
        ("{not json", "This policy contains invalid Json"),
        ("null", "This text appears not to be a policy"),
        ("{}", "Syntax error at position (1,3)"),
        (r#"{"Statement":[]}"#, "Could not parse the policy: Statement is empty!"),
        (r#"{"Statement":[{}]}"#, "Missing required field Effect"),
    ] {
        assert_eq!(refusal(text), format!("{begin}{why}"), "{text}");
    }
    let without = r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"dynamodb:GetItem"}"#;
    assert_eq!(refusal(&policy(without)), format!("{begin}Missing required field Resource"));
    let twice = r#"{"Sid":"a","Effect":"Deny","Principal":"*","Action":"dynamodb:GetItem","Resource":"*"}"#;
    let twice = policy(&[twice, twice].join(","));
    assert_eq!(refusal(&twice), format!("{begin}The Statement Ids in the policy are not unique"));
    let large = policy(&" ".repeat(20_480));
    assert_eq!(
        refusal(&large),
        "One or more parameter values were invalid: Maximum policy size of 20480 bytes exceeded"
    );
}

#[test]
fn nothing_is_given_to_everybody() {
    for who in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["000000000000","*"]}"#] {
        let allow = format!(r#"{{"Effect":"Allow","Principal":{who},"Action":"dynamodb:GetItem","Resource":"{ARN}"}}"#);
        assert!(refusal(&policy(&allow)).starts_with("Resource-based policy grants unbounded access"), "{who}");
        assert!(Policy::read(&policy(&allow.replace("Allow", "Deny")), false).is_ok());
    }
}

#[test]
fn a_tables_policy_is_not_about_streams() {
    let about = |action: &str, resource: &str| {
        policy(&format!(r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"{resource}"}}"#))
    };
    let why = refusal(&about("dynamodb:GetRecords", ARN));
    assert!(why.ends_with(r#"The following action names are invalid: "dynamodb:GetRecords""#), "{why}");
    let stream = format!("{ARN}/stream/2026-01-01T00:00:00.000");
    let why = refusal(&about("dynamodb:GetItem", &stream));
    assert!(why.contains(r#"The relative-id "table/t/stream/2026-01-01T00:00:00.000" is invalid for ARN "#), "{why}");
    assert!(Policy::read(&about("dynamodb:GetRecords", &stream), true).is_ok());
    assert!(Policy::read(&about("dynamodb:GetRecords", ARN), true).is_err());
    assert!(Policy::read(&about("dynamodb:GetItem", &format!("{ARN}/index/i")), false).is_ok());
}

#[test]
fn all_ways_of_writing_the_same_are_one() {
    let plain = policy(&format!(
        r#"{{"Sid":"s","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::000000000000:root"}},"Action":"dynamodb:GetItem","Resource":"{ARN}","Condition":{{"StringEquals":{{"aws:PrincipalAccount":"000000000000"}}}}}}"#
    ));
    assert_eq!(kept(&plain), plain);
    let odd = format!(
        r#"{{ "Statement": {{"Condition": {{"StringEquals": {{"aws:PrincipalAccount": ["000000000000"]}}}}, "Resource": ["{ARN}"],
           "Action": ["dynamodb:GetItem"], "Principal": {{"AWS": ["000000000000", "arn:aws:iam::000000000000:root"]}},
           "Effect": "allow", "Sid": "\u0073"}}, "Version": "2012-10-17" }}"#
    );
    assert_eq!(kept(&odd), plain);
    let lists = plain.replace(r#""dynamodb:GetItem""#, r#"["dynamodb:Query","dynamodb:GetItem","dynamodb:Query"]"#);
    assert_eq!(kept(&lists), lists);
}

#[test]
fn the_version_that_is_not_named_is_the_oldest_one_and_yet_another() {
    let named = policy(r#"{"Effect":"Deny","Principal":"*","Action":"dynamodb:GetItem","Resource":"*"}"#);
    let without = kept(&named.replace(r#""Version":"2012-10-17","#, ""));
    let oldest = named.replace("2012-10-17", "2008-10-17");
    assert_eq!(shown(&without), oldest);
    assert_ne!(without, kept(&oldest));
    assert_eq!(shown(&named), named);
}

#[test]
fn who_could_not_change_a_policy_any_more_is_shut_out() {
    let deny = |who: &str, action: &str, more: &str| {
        let text =
            policy(&format!(r#"{{"Effect":"Deny","Principal":{who},"Action":"{action}","Resource":"*"{more}}}"#));
        Policy::read(&text, false).unwrap().shuts_out("000000000000")
    };
    for action in ["dynamodb:PutResourcePolicy", "dynamodb:*", "*", "dynamodb:Put*Policy", "DynamoDB:put*"] {
        assert!(deny(r#""*""#, action, ""), "{action}");
    }
    assert!(deny(r#"{"AWS":"000000000000"}"#, "*", ""));
    assert!(!deny(r#"{"AWS":"111111111111"}"#, "*", ""));
    assert!(!deny(r#""*""#, "dynamodb:DeleteResourcePolicy", ""));
    assert!(!deny(r#""*""#, "*", r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#));
}
