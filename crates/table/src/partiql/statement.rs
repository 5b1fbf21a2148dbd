//! Whole statements.

use super::parser::{Parser, Result, malformed, unsupported};
use super::token::Token;
use crate::expression::{Action, Condition, ExpressionError, Kind, Path, SetValue, Step, Update};
use crate::value::{AttributeValue, Item};

/// A statement, with its parameters in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Reads items.
    Select(Select),
    /// Puts an item that must not be there.
    Insert {
        /// The table's name.
        table: String,
        /// The item.
        item: Item,
    },
    /// Changes one item, which must be there.
    Update {
        /// The table's name.
        table: String,
        /// The changes.
        update: Update,
        /// The item's key, and what else must hold for it.
        condition: Condition,
        /// What to answer.
        returning: Returning,
    },
    /// Removes one item.
    Delete {
        /// The table's name.
        table: String,
        /// The item's key, and what else must hold for it.
        condition: Condition,
        /// What to answer.
        returning: Returning,
    },
    /// Whether there is such an item; in transactions only.
    Exists(Select),
}

/// Where items are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The table's name.
    pub table: String,
    /// The index's name, if one is read.
    pub index: Option<String>,
}

/// Which items to read, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// What to answer of an item; everything if none.
    pub columns: Option<Vec<Column>>,
    /// Where from.
    pub source: Source,
    /// What must hold.
    pub condition: Option<Condition>,
    /// The order; empty for that of the keys.
    pub order: Vec<OrderBy>,
}

/// A part of an item, and what it is called in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The last part of the path.
    pub name: String,
    /// The part.
    pub path: Path,
}

/// A key to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// The key's name.
    pub key: String,
    /// From high to low.
    pub is_descending: bool,
}

/// What a change answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Returning {
    /// Nothing.
    #[default]
    Nothing,
    /// `ALL OLD *`.
    AllOld,
    /// `ALL NEW *`.
    AllNew,
    /// `MODIFIED OLD *`.
    ModifiedOld,
    /// `MODIFIED NEW *`.
    ModifiedNew,
}

impl Statement {
    /// Reads a statement; `parameters` are what its `?`s stand for, in their order.
    ///
    /// # Errors
    /// [`ExpressionError::Statement`], [`ExpressionError::Unsupported`], [`ExpressionError::Value`], and
    /// [`ExpressionError::Invalid`] where the paths of an update overlap.
    pub fn parse(text: &str, parameters: Vec<AttributeValue>) -> Result<Self> {
        let mut parser = Parser::new(text, parameters);
        let statement = parser.statement()?;
        parser.finish()?;
        Ok(statement)
    }

    /// The table that it works on.
    pub fn table(&self) -> &str {
        match self {
            Self::Select(select) | Self::Exists(select) => &select.source.table,
            Self::Insert { table, .. } | Self::Update { table, .. } | Self::Delete { table, .. } => table,
        }
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Select(_))
    }
}

impl Select {
    /// What to answer of an item.
    pub fn of(&self, item: &Item) -> Item {
        let Some(columns) = &self.columns else { return item.clone() };
        columns.iter().filter_map(|column| Some((column.name.clone(), column.path.find(item)?.clone()))).collect()
    }
}

impl Column {
    fn of(path: Path) -> Self {
        let mut name = path.name.clone();
        for step in &path.steps {
            match step {
                Step::Key(key) => name.clone_from(key),
                Step::Index(index) => name.push_str(&format!("[{index}]")),
            }
        }
        Self { name, path }
    }
}

impl Parser<'_> {
    fn statement(&mut self) -> Result<Statement> {
        if self.take_keyword("SELECT") {
            return Ok(Statement::Select(self.select()?));
        }
        if self.take_keyword("INSERT") {
            return self.insert();
        }
        if self.take_keyword("UPDATE") {
            return self.update();
        }
        if self.take_keyword("DELETE") {
            return self.delete();
        }
        if self.take_keyword("EXISTS") {
            self.expect("(")?;
            self.expect_keyword("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            return Ok(Statement::Exists(select));
        }
        Err(malformed("Expected data manipulation"))
    }

    fn select(&mut self) -> Result<Select> {
        let columns = match self.take("*") {
            true => None,
            false => Some(self.columns()?),
        };
        self.expect_keyword("FROM")?;
        let table = self.name()?;
        let index = if self.take(".") { Some(self.name()?) } else { None };
        let condition = if self.take_keyword("WHERE") { Some(self.condition()?) } else { None };
        let order = if self.take_keyword("ORDER") { self.order()? } else { Vec::new() };
        self.unsupported_clause().map_or(Ok(()), Err)?;
        Ok(Select { columns, source: Source { table, index }, condition, order })
    }

    fn columns(&mut self) -> Result<Vec<Column>> {
        let mut columns = vec![Column::of(self.path()?)];
        while self.take(",") {
            columns.push(Column::of(self.path()?));
        }
        if self.is("(") {
            return Err(unsupported("Functions are not supported in the select list"));
        }
        Ok(columns)
    }

    fn order(&mut self) -> Result<Vec<OrderBy>> {
        self.expect_keyword("BY")?;
        let mut order = Vec::new();
        loop {
            let key = self.name()?;
            let is_descending = self.take_keyword("DESC");
            if !is_descending {
                self.take_keyword("ASC");
            }
            order.push(OrderBy { key, is_descending });
            if !self.take(",") {
                return Ok(order);
            }
        }
    }

    fn insert(&mut self) -> Result<Statement> {
        self.expect_keyword("INTO")?;
        let table = self.name()?;
        let is_one = !self.is_keyword("VALUES") && *self.peek_second() != Token::Symbol("<<");
        if !is_one {
            return Err(unsupported(
                "Unsupported operation: Inserting multiple items in a single statement is not supported yet, use \
                 \"INSERT INTO tableName VALUE item\" instead",
            ));
        }
        self.expect_keyword("VALUE")?;
        match self.literal()? {
            AttributeValue::M(item) => Ok(Statement::Insert { table, item }),
            _ => Err(unsupported("Expected a map as the value to insert")),
        }
    }

    fn update(&mut self) -> Result<Statement> {
        let table = self.name()?;
        let mut actions = Vec::new();
        loop {
            let action = match () {
                () if self.take_keyword("SET") => Self::set,
                () if self.take_keyword("REMOVE") => Self::remove,
                () => break,
            };
            actions.push(action(self)?);
            while self.take(",") {
                actions.push(action(self)?);
            }
        }
        if actions.is_empty() {
            return Err(malformed("Expected SET or REMOVE"));
        }
        let condition = self.key_condition()?;
        let returning = self.returning()?;
        let update = Update::of(actions).map_err(|problem| ExpressionError::Invalid(Kind::Update, problem))?;
        Ok(Statement::Update { table, update, condition, returning })
    }

    fn delete(&mut self) -> Result<Statement> {
        self.expect_keyword("FROM")?;
        let table = self.name()?;
        let condition = self.key_condition()?;
        match self.returning()? {
            returning @ (Returning::Nothing | Returning::AllOld) => {
                Ok(Statement::Delete { table, condition, returning })
            }
            _ => Err(unsupported("Only RETURNING ALL OLD * is supported for a delete")),
        }
    }

    /// The condition that a change must have.
    fn key_condition(&mut self) -> Result<Condition> {
        match self.take_keyword("WHERE") {
            true => self.condition(),
            false if *self.peek() == Token::End => Err(super::keys::no_key()),
            false => Err(self.unexpected()),
        }
    }

    fn returning(&mut self) -> Result<Returning> {
        if !self.take_keyword("RETURNING") {
            return Ok(Returning::Nothing);
        }
        let is_all = self.take_keyword("ALL");
        if !is_all {
            self.expect_keyword("MODIFIED")?;
        }
        let is_old = self.take_keyword("OLD");
        if !is_old {
            self.expect_keyword("NEW")?;
        }
        self.expect("*")?;
        Ok(match (is_all, is_old) {
            (true, true) => Returning::AllOld,
            (true, false) => Returning::AllNew,
            (false, true) => Returning::ModifiedOld,
            (false, false) => Returning::ModifiedNew,
        })
    }

    fn remove(&mut self) -> Result<Action> {
        self.count_operator()?;
        Ok(Action::Remove(self.path()?))
    }

    fn set(&mut self) -> Result<Action> {
        self.count_operator()?;
        let path = self.path()?;
        self.expect("=")?;
        for (name, action) in [("set_add", Action::Add as fn(_, _) -> _), ("set_delete", Action::Delete)] {
            if self.is_keyword(name) && *self.peek_second() == Token::Symbol("(") {
                return Ok(action(path.clone(), self.set_elements(name, &path)?));
            }
        }
        Ok(Action::Set(path, self.set_value()?))
    }

    /// The set in `set_add(path, set)`; the path must be the one that is set.
    fn set_elements(&mut self, name: &str, path: &Path) -> Result<AttributeValue> {
        self.next();
        self.next();
        if self.path()? != *path {
            return Err(unsupported(format!("{name} must be given the attribute that is set")));
        }
        self.expect(",")?;
        let set = self.literal()?;
        self.expect(")")?;
        match set.type_name() {
            "SS" | "NS" | "BS" => Ok(set),
            _ => Err(ExpressionError::WrongType),
        }
    }

    fn set_value(&mut self) -> Result<SetValue> {
        let left = self.set_operand()?;
        let combine = match () {
            () if self.take("+") => SetValue::Plus,
            () if self.take("-") => SetValue::Minus,
            () => return Ok(left),
        };
        self.count_operator()?;
        Ok(combine(Box::new(left), Box::new(self.set_operand()?)))
    }

    fn set_operand(&mut self) -> Result<SetValue> {
        if self.is_literal() {
            return Ok(SetValue::Value(self.literal()?));
        }
        let (Token::Word(name), Token::Symbol("(")) = (self.peek(), self.peek_second()) else {
            return Ok(SetValue::Path(self.path()?));
        };
        let name = name.to_ascii_lowercase();
        self.next();
        self.next();
        self.count_operator()?;
        let mut operands = self.nested(|parser| parser.several(")", Self::set_operand))?.into_iter();
        match (name.as_str(), operands.next(), operands.next(), operands.next()) {
            ("list_append", Some(first), Some(second), None) => {
                Ok(SetValue::ListAppend(Box::new(first), Box::new(second)))
            }
            ("if_not_exists", Some(SetValue::Path(path)), Some(other), None) => {
                Ok(SetValue::IfNotExists(path, Box::new(other)))
            }
            ("list_append" | "if_not_exists", ..) => {
                Err(unsupported(format!("Incorrect operands for function {name}")))
            }
            _ => Err(unsupported(format!("Unsupported function: {name}"))),
        }
    }
}
