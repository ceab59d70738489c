//! The messages that are read and written, as tables: number, name and type of each field.
//!
//! Every field may be absent. What the server neither acts on nor gives back is not here: it is
//! read past and never written.

/// Turns tables into structures: `NUMBER name: TYPE`, where a type is one of protobuf's scalars,
/// `one MESSAGE`, `many MESSAGE`, `texts`, or `pairs` of texts.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($fields:tt)* })*) => {
        $( $crate::proto::schema::message! { [$(#[$doc])* $name] [] $($fields)* } )*
    };
}

macro_rules! message {
    ([$(#[$doc:meta])* $name:ident] [$($done:tt)*]) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, ::prost::Message)]
        pub struct $name { $($done)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: one $of:ident, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(message, optional, tag = $tag)]
            pub $field: Option<$of>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: many $of:ident, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(message, repeated, tag = $tag)]
            pub $field: Vec<$of>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: texts, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(string, repeated, tag = $tag)]
            pub $field: Vec<String>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: pairs, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(btree_map = "string, string", tag = $tag)]
            pub $field: ::std::collections::BTreeMap<String, String>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: string, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(string, optional, tag = $tag)]
            pub $field: Option<String>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: int32, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(int32, optional, tag = $tag)]
            pub $field: Option<i32>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: int64, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(int64, optional, tag = $tag)]
            pub $field: Option<i64>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: double, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(double, optional, tag = $tag)]
            pub $field: Option<f64>,
        ] $($rest)* }
    };
    ($head:tt [$($done:tt)*] $tag:tt $field:ident: bool, $($rest:tt)*) => {
        $crate::proto::schema::message! { $head [$($done)*
            #[prost(bool, optional, tag = $tag)]
            pub $field: Option<bool>,
        ] $($rest)* }
    };
}

pub(in crate::proto) use message;

pub mod account;
pub mod contract;
pub mod data;
pub mod history;
pub mod order;
pub mod session;
