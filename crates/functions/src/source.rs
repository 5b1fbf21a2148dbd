//! Where a package comes from: the request, or a bucket.

use crate::{Error, Functions, limits};
use bytes::Bytes;
use fogbank_model::{AccountId, ObjectError, ObjectName};
use std::io::Read as _;

/// Where a client says that a package is.
#[derive(Debug)]
pub enum Source {
    /// In the request.
    Request(Bytes),
    /// In a bucket of the caller's account.
    Object(ObjectName),
}

impl Functions {
    /// The ZIP file that `source` means, for a caller of `account`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for one in the request, [`Error::InvalidParameter`] and [`Error::Denied`] for one in a bucket.
    pub async fn fetch(&self, account: &AccountId, source: Source) -> Result<Bytes, Error> {
        match source {
            Source::Request(content) if content.len() > limits::ZIPPED_BYTES => {
                let (limit, size) = (limits::ZIPPED_BYTES, content.len());
                let text = format!("Request must be smaller than {limit} bytes: the zipped package has {size} bytes.");
                Err(Error::TooLarge(text))
            }
            Source::Request(content) => Ok(content),
            Source::Object(object) => {
                let (objects, account) = (self.objects.clone(), account.clone());
                let read = move || {
                    let reader = objects.open(&account, &object).map_err(|error| unreadable(&object, error))?;
                    let mut content = Vec::new();
                    let most = limits::UNZIPPED_BYTES + 1;
                    reader.take(most).read_to_end(&mut content).map_err(|error| Error::Disk(error.to_string()))?;
                    if content.len() as u64 == most {
                        return Err(crate::package::too_large());
                    }
                    Ok(content.into())
                };
                tokio::task::spawn_blocking(read).await?
            }
        }
    }
}

/// An object that cannot be read, in Lambda's words.
fn unreadable(object: &ObjectName, error: ObjectError) -> Error {
    match error.code {
        "AccessDenied" => Error::Denied(format!(
            "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for \
             {}/{}. {error}",
            object.bucket, object.key
        )),
        "InternalError" => Error::Disk(error.message),
        _ => Error::invalid(format!("Error occurred while GetObject. {error}")),
    }
}
