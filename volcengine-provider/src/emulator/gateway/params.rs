//! A request's parameters, checked against their shape before anybody reads them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::error::ApiError;

/// The parameters of one call.
pub(crate) struct Params(pub(crate) Map<String, Value>);

/// What there is most of on a page.
const LONGEST_PAGE: i64 = 100;

impl Params {
    pub(crate) fn opt(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, ApiError> {
        self.opt(name).ok_or_else(|| ApiError::missing(name))
    }

    /// The pool a call names, or the one there always is.
    pub(crate) fn pool(&self, name: &str) -> String {
        self.opt(name).unwrap_or("default").to_owned()
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A part of the parameters; the shape has been checked, so it reads.
    pub(crate) fn part<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| ApiError::invalid(name, format!("{name} has the wrong form")))
    }

    /// Puts `name` into `place` if the call has it.
    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        name: &str,
        place: &mut T,
    ) -> Result<(), ApiError> {
        if let Some(value) = self.part(name)? {
            *place = value;
        }
        Ok(())
    }

    /// The whole as an entity, which has the same names, without `but`.
    pub(crate) fn entity<T: DeserializeOwned>(&self, but: &[&str]) -> Result<T, ApiError> {
        let fields =
            self.0.iter().filter(|(name, value)| !but.contains(&&***name) && !value.is_null());
        let fields: Map<String, Value> =
            fields.map(|(name, value)| (name.clone(), value.clone())).collect();
        serde_json::from_value(Value::Object(fields))
            .map_err(|_| ApiError::new(400, "InvalidParameter", "the request has the wrong form"))
    }

    /// The texts of `Filter`.
    pub(crate) fn filters(&self) -> impl Iterator<Item = (&str, &Value)> {
        let filter = self.0.get("Filter").and_then(Value::as_object);
        filter.into_iter().flatten().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.as_str(), v))
    }

    /// The page of `items` that was asked for, filtered by `Filter`, as `name`.
    ///
    /// A filter compares; `Name` and `Description` look within, so that a client which takes the
    /// first of what comes meets the wrong one.
    pub(crate) fn page(&self, mut items: Vec<Value>, name: &str) -> Result<Value, ApiError> {
        for (field, wanted) in self.filters() {
            items.retain(|item| match (field, item.get(field), wanted) {
                ("Name" | "Description", Some(Value::String(found)), Value::String(wanted)) => {
                    found.contains(wanted.as_str())
                }
                ("TagFilters" | "BindingStatus", ..) => true,
                (_, found, wanted) => found == Some(wanted),
            });
        }
        self.sort(&mut items)?;
        let number = self.int("PageNumber").unwrap_or(1);
        let size = self.int("PageSize").unwrap_or(10);
        if number < 1 {
            return Err(ApiError::invalid("PageNumber", "PageNumber is at least 1"));
        }
        if !(1..=LONGEST_PAGE).contains(&size) {
            return Err(ApiError::invalid("PageSize", "PageSize is from 1 to 100"));
        }
        let total = items.len();
        let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
        let taken = usize::try_from(size).unwrap_or_default();
        let items: Vec<Value> = items.into_iter().skip(skipped).take(taken).collect();
        Ok(json!({ "PageNumber": number, "PageSize": size, "TotalCount": total, name: items }))
    }

    fn sort(&self, items: &mut [Value]) -> Result<(), ApiError> {
        let Some(field) = self.opt("SortBy").or_else(|| self.opt("SortField")) else {
            return Ok(());
        };
        if items.iter().any(|item| item.get(field).is_none()) {
            return Err(ApiError::invalid("SortField", format!("{field} is no field to sort by")));
        }
        let of = |item: &Value| item.get(field).cloned().unwrap_or_default();
        let order = |value: &Value| (value.as_i64(), value.as_str().map(str::to_owned));
        items.sort_by_cached_key(|item| order(&of(item)));
        let direction = self.opt("SortOrder").or_else(|| self.opt("SortDirection"));
        if self.flag("SortDesc") || direction.is_some_and(|word| word.eq_ignore_ascii_case("desc"))
        {
            items.reverse();
        }
        Ok(())
    }
}
