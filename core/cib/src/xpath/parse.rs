//! Expression to tree, by recursive descent (`XPath` 1.0 §3).

use super::{DEPTH_MAX, XPathError};

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    Arithmetic(char, Box<Self>, Box<Self>),
    Negate(Box<Self>),
    Union(Box<Self>, Box<Self>),
    Path(Path),
    /// An expression, filtered, then a path from what it selects.
    Filter(Box<Self>, Vec<Self>, Vec<Step>),
    Literal(String),
    Number(f64),
    Call(Function, Vec<Self>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Differ,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A location path.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) absolute: bool,
    pub(super) steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) axis: Axis,
    /// `None` for `*` and `node()`.
    pub(super) name: Option<String>,
    pub(super) predicates: Vec<Expression>,
}

/// In which direction a step goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Axis {
    Current,
    Child,
    Parent,
    Ancestor,
    AncestorOrSelf,
    Descendant,
    DescendantOrSelf,
    FollowingSibling,
    PrecedingSibling,
    Attribute,
}

/// The functions of the standard that have a meaning on a CIB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Function {
    Last,
    Position,
    Count,
    Name,
    String,
    Concat,
    StartsWith,
    Contains,
    SubstringBefore,
    SubstringAfter,
    StringLength,
    NormalizeSpace,
    Not,
    True,
    False,
    Boolean,
    Number,
}

const FUNCTIONS: &[(&str, Function, usize, usize)] = &[
    ("last", Function::Last, 0, 0),
    ("position", Function::Position, 0, 0),
    ("count", Function::Count, 1, 1),
    ("name", Function::Name, 0, 1),
    ("local-name", Function::Name, 0, 1),
    ("string", Function::String, 0, 1),
    ("concat", Function::Concat, 2, 16),
    ("starts-with", Function::StartsWith, 2, 2),
    ("contains", Function::Contains, 2, 2),
    ("substring-before", Function::SubstringBefore, 2, 2),
    ("substring-after", Function::SubstringAfter, 2, 2),
    ("string-length", Function::StringLength, 0, 1),
    ("normalize-space", Function::NormalizeSpace, 0, 1),
    ("not", Function::Not, 1, 1),
    ("true", Function::True, 0, 0),
    ("false", Function::False, 0, 0),
    ("boolean", Function::Boolean, 1, 1),
    ("number", Function::Number, 0, 1),
];

const AXES: &[(&str, Axis)] = &[
    ("self", Axis::Current),
    ("child", Axis::Child),
    ("parent", Axis::Parent),
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("following-sibling", Axis::FollowingSibling),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("attribute", Axis::Attribute),
];

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Expression, XPathError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expression = parser.or()?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.error("unexpected text"));
    }
    Ok(expression)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, XPathError>;

impl Parser<'_> {
    fn error(&self, reason: &str) -> XPathError {
        XPathError { at: self.at, reason: reason.to_owned() }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes an operator that is a word, where an operator is expected.
    fn take_word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let found = rest.strip_prefix(word).is_some_and(|after| !after.starts_with(is_name));
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(self.error(&format!("`{token}` is missing"))) }
    }

    fn or(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("nested too deep"));
        }
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.comparison()?;
        while self.take_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        const TOKENS: [(&str, Comparison); 6] = [
            ("!=", Comparison::Differ),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("=", Comparison::Equal),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut left = self.sum()?;
        while let Some((_, how)) = TOKENS.iter().find(|(token, _)| self.take(token)) {
            left = Expression::Compare(*how, Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expression> {
        let mut left = self.unary()?;
        loop {
            let operator = if self.take("+") {
                '+'
            } else if self.take("-") {
                '-'
            } else {
                return Ok(left);
            };
            left = Expression::Arithmetic(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        if self.take("-") {
            return Ok(Expression::Negate(Box::new(self.union()?)));
        }
        self.union()
    }

    fn union(&mut self) -> Parsed<Expression> {
        let mut left = self.path()?;
        while self.take("|") {
            left = Expression::Union(Box::new(left), Box::new(self.path()?));
        }
        Ok(left)
    }

    fn path(&mut self) -> Parsed<Expression> {
        self.blanks();
        let rest = self.rest();
        match rest.chars().next() {
            None => Err(self.error("an expression is missing")),
            Some('$') => Err(self.error("variables are not supported")),
            Some('(') => {
                self.at += 1;
                let inner = self.or()?;
                self.expect(")")?;
                self.filter(inner)
            }
            Some(quote @ ('\'' | '"')) => self.literal(quote),
            Some(digit) if digit.is_ascii_digit() => self.number(),
            Some('.') if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            Some(_) if self.is_call() => self.call(),
            Some(_) => self.location().map(Expression::Path),
        }
    }

    fn filter(&mut self, inner: Expression) -> Parsed<Expression> {
        let predicates = self.predicates()?;
        let mut steps = Vec::new();
        self.steps(&mut steps, false)?;
        if predicates.is_empty() && steps.is_empty() {
            return Ok(inner);
        }
        Ok(Expression::Filter(Box::new(inner), predicates, steps))
    }

    fn literal(&mut self, quote: char) -> Parsed<Expression> {
        let rest = &self.rest()[1..];
        let Some(end) = rest.find(quote) else {
            return Err(self.error("the string does not end"));
        };
        let literal = rest[..end].to_owned();
        self.at += end + 2;
        Ok(Expression::Literal(literal))
    }

    fn number(&mut self) -> Parsed<Expression> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let value = rest[..end].parse().map_err(|_| self.error("this is no number"))?;
        self.at += end;
        Ok(Expression::Number(value))
    }

    fn is_call(&self) -> bool {
        let rest = self.rest();
        let name = rest.split(|c| !is_name(c)).next().unwrap_or_default();
        !matches!(name, "" | "node" | "text" | "comment" | "processing-instruction")
            && rest[name.len()..].trim_start().starts_with('(')
    }

    fn call(&mut self) -> Parsed<Expression> {
        let name = self.name()?;
        let Some((_, function, least, most)) = FUNCTIONS.iter().find(|f| f.0 == name) else {
            return Err(self.error(&format!("there is no function {name}()")));
        };
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.or()?);
                if !self.take(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        if arguments.len() < *least || arguments.len() > *most {
            return Err(self.error(&format!("{name}() does not take {}", arguments.len())));
        }
        Ok(Expression::Call(*function, arguments))
    }

    fn name(&mut self) -> Parsed<String> {
        self.blanks();
        let rest = self.rest();
        let name = rest.split(|c| !is_name(c)).next().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(self.error("a name is missing"));
        }
        self.at += name.len();
        Ok(name)
    }

    fn location(&mut self) -> Parsed<Path> {
        self.blanks();
        let absolute = self.rest().starts_with('/');
        let mut steps = Vec::new();
        if absolute {
            let bare = self.rest().trim_start_matches('/').is_empty();
            if self.rest().starts_with("//") || !bare {
                self.steps(&mut steps, false)?;
            } else {
                self.at += 1;
            }
        } else {
            self.steps(&mut steps, true)?;
        }
        Ok(Path { absolute, steps })
    }

    /// Steps, each after `/` or `//`, the first one bare where `open` is set.
    fn steps(&mut self, steps: &mut Vec<Step>, mut open: bool) -> Parsed<()> {
        loop {
            if open {
                open = false;
            } else if self.take("//") {
                let axis = Axis::DescendantOrSelf;
                steps.push(Step { axis, name: None, predicates: Vec::new() });
            } else if !self.take("/") {
                return Ok(());
            }
            steps.push(self.step()?);
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        self.blanks();
        if self.take("..") {
            return Ok(Step { axis: Axis::Parent, name: None, predicates: self.predicates()? });
        }
        if self.take(".") {
            return Ok(Step { axis: Axis::Current, name: None, predicates: self.predicates()? });
        }
        let mut axis = Axis::Child;
        if self.take("@") {
            axis = Axis::Attribute;
        }
        let mut name = None;
        if !self.take("*") {
            let mut word = self.name()?;
            if self.take("::") {
                let Some((_, named)) = AXES.iter().find(|(other, _)| *other == word) else {
                    return Err(self.error(&format!("the axis {word} is not supported")));
                };
                axis = *named;
                word = if self.take("*") { "*".to_owned() } else { self.name()? };
            }
            if self.take("(") {
                self.expect(")")?;
                if word != "node" {
                    return Err(self.error(&format!("{word}() is not supported")));
                }
                word = "*".to_owned();
            }
            name = Some(word).filter(|word| word != "*");
        }
        Ok(Step { axis, name, predicates: self.predicates()? })
    }

    fn predicates(&mut self) -> Parsed<Vec<Expression>> {
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.or()?);
            self.expect("]")?;
        }
        Ok(predicates)
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}
