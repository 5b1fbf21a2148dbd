//! Names: which are names at all, and what a request means by one.

use crate::{Error, Key};
use fogbank_model::{AccountId, Region};

/// Levels of a path.
const LEVELS: usize = 15;

/// Checks the name of a parameter that is to be made.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let path = name.strip_prefix('/').unwrap_or(name);
    let first = path.split('/').next().unwrap_or_default().to_ascii_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        let text = "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). If formed as a path, it can consist of \
                    sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_";
        return Err(Error::Invalid(text.into()));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(Error::Invalid("Parameter name must be a fully qualified name.".into()));
    }
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    if !path.split('/').all(plain) {
        let text = "Only a mix of letters, numbers and the following 4 symbols .-_/ are allowed in a parameter's name.";
        return Err(Error::Invalid(text.into()));
    }
    if path.split('/').count() > LEVELS {
        return Err(Error::Invalid(format!("A parameter's name has at most {LEVELS} levels.")));
    }
    Ok(())
}

/// The parameter that `text` means, a name or an ARN, and the version that is asked for with `NAME:VERSION`.
pub(crate) fn read<'t>(account: &AccountId, region: &Region, text: &'t str) -> Result<(Key, Option<&'t str>), Error> {
    let key = |name: String| Key { account: account.clone(), region: region.clone(), name };
    let (name, selector) = match text.strip_prefix("arn:") {
        None => text.split_once(':').map_or((text, None), |(name, selector)| (name, Some(selector))),
        Some(arn) => {
            let resource = arn.splitn(5, ':').nth(4).and_then(|rest| rest.strip_prefix("parameter"));
            let rest = resource.ok_or_else(|| Error::NotFound(text.to_owned()))?;
            let (name, selector) = rest.split_once(':').map_or((rest, None), |(name, selector)| (name, Some(selector)));
            // An ARN says the same of `/name` and `name`; what has more levels begins with the slash.
            let single = name.strip_prefix('/').filter(|name| !name.contains('/'));
            (single.unwrap_or(name), selector)
        }
    };
    let key = key(name.to_owned());
    // What belongs to somebody else, or is elsewhere, is not there.
    let own = key.arn().to_string();
    if text.starts_with("arn:") && text != own && text.strip_prefix(&own).is_none_or(|rest| !rest.starts_with(':')) {
        return Err(Error::NotFound(text.to_owned()));
    }
    Ok((key, selector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_of_plain_letters() {
        for good in ["a", "/a/b.c/d-e_f", "Lambda", "/x"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let deep = "/a".repeat(16);
        for bad in ["", "/", "a/b", "/a//b", "/a/", "a b", "aws-x", "/AWS/x", "ssmx", &deep] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_parameter_is_meant_by_its_name_or_its_arn_and_a_version() {
        let (account, region) = ("000000000001".parse().unwrap(), "eu-west-1".parse().unwrap());
        for (text, expected) in [
            ("/a/b:3", Some(("/a/b", Some("3")))),
            ("a", Some(("a", None))),
            ("arn:aws:ssm:eu-west-1:000000000001:parameter/a/b:3", Some(("/a/b", Some("3")))),
            ("arn:aws:ssm:eu-west-1:000000000001:parameter/a", Some(("a", None))),
            ("arn:aws:ssm:eu-west-1:000000000002:parameter/a", None),
            ("arn:aws:sqs:eu-west-1:000000000001:parameter/a", None),
        ] {
            let found = read(&account, &region, text).ok();
            let found = found.as_ref().map(|(key, selector)| (key.name.as_str(), *selector));
            assert_eq!(found, expected, "{text}");
        }
    }
}
