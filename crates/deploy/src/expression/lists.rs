//! The functions that make lists, or take them apart: they look nothing up.

use super::Scope;
use crate::problem::Problem;
use crate::tree::Node;

impl Scope<'_> {
    pub(super) fn join(&self, argument: &Node) -> Result<Node, Problem> {
        let [separator, items] = argument.items() else {
            return Err(Problem::at(argument.at, "Fn::Join takes a separator and a list"));
        };
        let separator = separator.expect_text("Fn::Join's separator")?;
        let mut texts = Vec::new();
        for item in self.list(items, "Fn::Join's list")? {
            texts.push(item.expect_text("an item of Fn::Join")?.to_owned());
        }
        Ok(Node::text(argument.at, texts.join(separator)))
    }

    pub(super) fn select(&self, argument: &Node) -> Result<Node, Problem> {
        let [index, items] = argument.items() else {
            return Err(Problem::at(argument.at, "Fn::Select takes an index and a list"));
        };
        let index = self.text(index, "Fn::Select's index")?;
        let items = self.list(items, "Fn::Select's list")?;
        let chosen = index.parse::<usize>().ok().and_then(|index| items.get(index)).cloned();
        chosen.ok_or_else(|| {
            Problem::at(argument.at, format!("Fn::Select: there is no item {index} in a list of {}", items.len()))
        })
    }

    pub(super) fn split(&self, argument: &Node) -> Result<Node, Problem> {
        let [separator, text] = argument.items() else {
            return Err(Problem::at(argument.at, "Fn::Split takes a separator and a string"));
        };
        let separator = separator.expect_text("Fn::Split's separator")?;
        if separator.is_empty() {
            return Err(Problem::at(argument.at, "Fn::Split's separator must not be empty"));
        }
        let text = self.text(text, "Fn::Split's string")?;
        Ok(Node::list(argument.at, text.split(separator).map(|part| Node::text(argument.at, part)).collect()))
    }

    /// `Fn::Cidr`: `count` networks of `bits` host bits each, from the start of an IPv4 block.
    pub(super) fn cidr(&self, argument: &Node) -> Result<Node, Problem> {
        let form = || {
            Problem::at(argument.at, "Fn::Cidr takes an IPv4 block, a count from 1 to 256, and the host bits of each")
        };
        let (block, count, bits) = match argument.items() {
            [block, count, bits] => (block, count, Some(bits)),
            [block, count] => (block, count, None),
            _ => return Err(form()),
        };
        let block = self.text(block, "Fn::Cidr's block")?;
        let count: u32 = self.text(count, "Fn::Cidr's count")?.parse().map_err(|_| form())?;
        let bits = bits.map(|bits| self.text(bits, "Fn::Cidr's bits")).transpose()?.unwrap_or_else(|| "8".into());
        let bits: u32 = bits.parse().map_err(|_| form())?;
        let (address, length) = block.split_once('/').ok_or_else(form)?;
        let address: std::net::Ipv4Addr = address.parse().map_err(|_| form())?;
        let length: u32 = length.parse().map_err(|_| form())?;
        let fits = (1..=256).contains(&count) && bits <= 32 && length <= 32 && 32 - length >= bits;
        if !fits || u64::from(count) > 1u64 << (32 - length - bits) {
            return Err(form());
        }
        let first = u64::from(u32::from(address));
        let network = |index: u32| {
            let start = first + (u64::from(index) << bits);
            let address = std::net::Ipv4Addr::from(u32::try_from(start).unwrap_or(u32::MAX));
            Node::text(argument.at, format!("{address}/{}", 32 - bits))
        };
        Ok(Node::list(argument.at, (0..count).map(network).collect()))
    }
}
