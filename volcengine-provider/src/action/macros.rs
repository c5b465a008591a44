//! How requests and answers are written down: a field, its type, its name on the wire.

/// A request of Agent Identity: required fields, then `;`, then optional ones.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident -> $answer:ty, $effect:ident {
        $($required:ident: $type:ty = $wire:literal),* ;
        $($optional:ident: $inner:ty = $spelt:literal),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name {
            $(#[doc = concat!("`", $wire, "`, required.")] pub $required: $type,)*
            $(#[doc = concat!("`", $spelt, "`.")] pub $optional: Option<$inner>,)*
        }

        impl $name {
            /// A request with what is required.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "all requests are made alike")]
            pub const fn new($($required: $type),*) -> Self {
                Self { $($required,)* $($optional: None,)* }
            }
        }

        #[cfg(test)]
        impl $name {
            pub(crate) const SPELLING: $crate::action::spelling::Spelling =
                (stringify!($name), &[$($wire),*], &[$($spelt),*]);
        }

        impl $crate::action::sealed::Sealed for $name {}

        impl $crate::action::Action for $name {
            type Answer = $answer;

            fn call(&self) -> $crate::wire::RawCall {
                let mut body = $crate::wire::Body::default();
                $crate::wire::object(&mut body, &[
                    $(($wire, &self.$required),)*
                    $(($spelt, &self.$optional),)*
                ]);
                $crate::wire::RawCall::new($crate::wire::Service::Identity, stringify!($name))
                    .json(body.finish())
                    .effect($crate::wire::Effect::$effect)
            }
        }
    };
}

/// A part of requests and of answers; nothing in it is required, nothing secret.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $inner:ty = $wire:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                #[serde(rename = $wire)]
                pub $field: Option<$inner>,
            )*
        }

        #[cfg(test)]
        impl $name {
            pub(crate) const SPELLING: $crate::action::spelling::Spelling =
                (stringify!($name), &[], &[$($wire),*]);
        }

        impl $crate::wire::Json for $name {
            fn write(&self, body: &mut $crate::wire::Body) {
                $crate::wire::object(body, &[$(($wire, &self.$field)),*]);
            }
        }
    };
}

/// An answer, or a part of answers: single values, then `;`, then lists. A name may be followed by an
/// older one that is understood too, and by what reads its value where that is written in several ways.
macro_rules! answer {
    ($(#[$doc:meta])* $name:ident {
        $($field:ident: $inner:ty = $wire:literal $(or $old:literal)? $(by $read:literal)?),* ;
        $($list:ident: $item:ty = $spelt:literal $(or $former:literal)?),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                #[serde(rename = $wire $(, alias = $old)? $(, deserialize_with = $read)?)]
                pub $field: Option<$inner>,
            )*
            $(
                #[doc = concat!("`", $spelt, "`; empty if it is not there.")]
                #[serde(
                    rename = $spelt, $(alias = $former,)?
                    deserialize_with = "crate::wire::lenient"
                )]
                pub $list: Vec<$item>,
            )*
        }
    };
}

pub(crate) use {answer, object, request};
