//! Lists of several pages.

use credential_provider_api::{CredentialError, ErrorCode};

use futures::future::BoxFuture;

use crate::wire::CallError;

/// How many a page; what the service's own command-line client asks for.
const PAGE_SIZE: u64 = 50;
/// A list that is longer is not one of names that people gave.
const MOST_PAGES: u64 = 200;

/// One page of a list: how many there are in all, if the service says, and those on it.
pub(crate) type Page<T> = (Option<u64>, Vec<T>);

/// All of a list. `page` asks for the page of this number, counted from 1, and this size.
///
/// # Errors
/// As for a page; `invalid_response` for a list without end.
pub(crate) async fn all_pages<'a, T>(
    page: impl Fn(u64, u64) -> BoxFuture<'a, Result<Page<T>, CallError>> + Send,
) -> Result<Vec<T>, CallError> {
    let mut all = Vec::new();
    for number in 1..=MOST_PAGES {
        let (total, items) = page(number, PAGE_SIZE).await?;
        let last = items.is_empty();
        all.extend(items);
        // A total that is not told is asked for by one page more.
        let complete = total.is_some_and(|total| all.len() as u64 >= total);
        if last || complete {
            return Ok(all);
        }
    }
    Err(CredentialError::new(ErrorCode::InvalidResponse, "a list does not end").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_page_is_read_and_no_more() {
        for (total, calls) in [(Some(120_u64), 3), (None, 4)] {
            let asked = std::sync::atomic::AtomicU32::new(0);
            let page = |number: u64, size: u64| {
                asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let left = 120_u64.saturating_sub((number - 1) * size).min(size);
                let items = vec![number; usize::try_from(left).unwrap()];
                Box::pin(async move { Ok((total, items)) }) as BoxFuture<'_, _>
            };
            assert_eq!(all_pages(page).await.unwrap().len(), 120);
            assert_eq!(asked.into_inner(), calls);
        }
    }

    #[tokio::test]
    async fn a_list_without_end_is_an_error() {
        let page = |_: u64, _: u64| Box::pin(async { Ok((None, vec![0_u8])) }) as BoxFuture<'_, _>;
        assert!(all_pages(page).await.is_err());
    }
}
