use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A YAML value that knows in which line each of its parts stands.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// From 1.
    line: usize,
    node: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Scalar(Value),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// The documents of a YAML text; empty ones are left out.
    ///
    /// # Errors
    /// The parser's words, with the place, where the text is not YAML.
    pub(super) fn documents(text: &str) -> Result<Vec<Self>, serde_saphyr::Error> {
        let documents: Vec<Self> = serde_saphyr::from_multiple(text)?;
        let whole = |tree: &Self| !matches!(tree.node, Node::Scalar(Value::Null));
        Ok(documents.into_iter().filter(whole).collect())
    }

    /// The value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Node::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, tree)| (key.clone(), tree.value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// The line of what a JSON pointer (RFC 6901) names, or of the nearest part around it that is written.
    pub(super) fn line(&self, pointer: &str) -> usize {
        let mut here = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            match here.child(&token) {
                Some(child) => here = child,
                None => break,
            }
        }
        here.line
    }

    fn child(&self, token: &str) -> Option<&Self> {
        match &self.node {
            Node::Scalar(_) => None,
            Node::List(items) => items.get(token.parse::<usize>().ok()?),
            Node::Map(entries) => entries
                .iter()
                .find(|(key, _)| key == token)
                .map(|(_, tree)| tree),
        }
    }

    /// The items of the list under `key`; none for anything else.
    pub(super) fn items(&self, key: &str) -> &[Self] {
        match self.child(key).map(|tree| &tree.node) {
            Some(Node::List(items)) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, in order; none for anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.node {
            Node::Map(entries) => entries,
            Node::Scalar(_) | Node::List(_) => &[],
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Node>::deserialize(deserializer)?;
        Ok(Self {
            line: usize::try_from(spanned.referenced.line()).unwrap_or(usize::MAX),
            node: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value)
            .map(|number| Node::Scalar(number.into()))
            .ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TWO: &str = "# a comment\na: 1\nb:\n  - x\n  - y: null\n---\n---\nc/d:\n  e: 2.5\n";

    #[test]
    fn documents_are_read_as_json_would_have_them() {
        let values: Vec<Value> = Tree::documents(TWO)
            .unwrap()
            .iter()
            .map(Tree::value)
            .collect();
        assert_eq!(
            values,
            [
                json!({ "a": 1, "b": ["x", { "y": null }] }),
                json!({ "c/d": { "e": 2.5 } })
            ]
        );
    }

    #[test]
    fn each_part_knows_its_line_and_a_missing_one_that_of_what_is_around_it() {
        let documents = Tree::documents(TWO).unwrap();
        assert_eq!(documents[0].line("/a"), 2);
        assert_eq!(documents[0].line("/b/1/y"), 5);
        assert_eq!(documents[0].line("/b/1/z"), 5);
        assert_eq!(documents[1].line(""), 8);
        assert_eq!(documents[1].line("/c~1d/e"), 9);
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_place() {
        let error = Tree::documents("a: [1\n").unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
    }
}
