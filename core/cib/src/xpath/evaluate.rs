//! Tree to node set (`XPath` 1.0 §2, §3.3, §4).

use super::parse::{Axis, Comparison, Expression, Function, Path, Step};
use super::{VISITS_MAX, XPathError};
use crate::xml::{Document, Element, NodeId};
use core::cell::Cell;

/// A node of the data model: an element, one of its attributes, or what is above the root element.
#[derive(Clone, Copy, Debug)]
enum Item<'d> {
    Top(&'d Document),
    Element(Element<'d>),
    Attribute(Element<'d>, &'d str, &'d str),
}

#[derive(Clone, Debug)]
enum Value<'d> {
    Nodes(Vec<Item<'d>>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
struct Context<'c, 'd> {
    item: Item<'d>,
    position: usize,
    size: usize,
    budget: &'c Cell<usize>,
}

type Evaluated<T> = Result<T, XPathError>;

/// The elements that `expression` selects, in document order, each once.
pub(super) fn select(document: &Document, expression: &Expression) -> Evaluated<Vec<NodeId>> {
    let budget = Cell::new(VISITS_MAX);
    let top = Item::Top(document);
    let context = Context { item: top, position: 1, size: 1, budget: &budget };
    let Value::Nodes(found) = evaluate(expression, context)? else {
        return Err(XPathError { at: 0, reason: "the expression selects no nodes".into() });
    };
    let mut ids: Vec<NodeId> = found
        .into_iter()
        .map(|item| match item {
            Item::Top(document) => document.root().id(),
            Item::Element(element) | Item::Attribute(element, ..) => element.id(),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > 1 {
        // Ids are in order of creation; after edits that need not be the document's order.
        let wanted = ids;
        let in_order = document.root().descendants().map(Element::id);
        ids = in_order.filter(|id| wanted.binary_search(id).is_ok()).collect();
    }
    Ok(ids)
}

impl<'d> Item<'d> {
    fn element(self) -> Option<Element<'d>> {
        match self {
            Item::Element(element) => Some(element),
            Item::Top(_) | Item::Attribute(..) => None,
        }
    }

    fn text(self) -> String {
        match self {
            Item::Top(document) => text_of(document.root()),
            Item::Element(element) => text_of(element),
            Item::Attribute(_, _, value) => value.to_owned(),
        }
    }
}

fn text_of(element: Element<'_>) -> String {
    element.descendants().map(Element::text).collect()
}

impl Value<'_> {
    fn truth(&self) -> bool {
        match self {
            Value::Nodes(nodes) => !nodes.is_empty(),
            Value::Text(text) => !text.is_empty(),
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Truth(truth) => *truth,
        }
    }

    fn text(&self) -> String {
        match self {
            Value::Nodes(nodes) => nodes.first().map(|item| item.text()).unwrap_or_default(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Truth(truth) => f64::from(u8::from(*truth)),
            Value::Nodes(_) | Value::Text(_) => self.text().trim().parse().unwrap_or(f64::NAN),
        }
    }
}

fn evaluate<'d>(expression: &Expression, context: Context<'_, 'd>) -> Evaluated<Value<'d>> {
    Ok(match expression {
        Expression::Or(left, right) => {
            Value::Truth(evaluate(left, context)?.truth() || evaluate(right, context)?.truth())
        }
        Expression::And(left, right) => {
            Value::Truth(evaluate(left, context)?.truth() && evaluate(right, context)?.truth())
        }
        Expression::Compare(how, left, right) => {
            let (left, right) = (evaluate(left, context)?, evaluate(right, context)?);
            Value::Truth(compare(*how, &left, &right))
        }
        Expression::Arithmetic(operator, left, right) => {
            let (left, right) = (evaluate(left, context)?, evaluate(right, context)?);
            let right = right.number();
            Value::Number(left.number() + if *operator == '-' { -right } else { right })
        }
        Expression::Negate(inner) => Value::Number(-evaluate(inner, context)?.number()),
        Expression::Union(left, right) => {
            let mut nodes = nodes(evaluate(left, context)?)?;
            nodes.extend(self::nodes(evaluate(right, context)?)?);
            Value::Nodes(nodes)
        }
        Expression::Path(path) => Value::Nodes(walk(path, context)?),
        Expression::Filter(inner, predicates, steps) => {
            let found = in_order(nodes(evaluate(inner, context)?)?, context.item);
            let mut found = keep(found, predicates, context.budget)?;
            for step in steps {
                found = take(step, &found, context.budget)?;
            }
            Value::Nodes(found)
        }
        Expression::Literal(text) => Value::Text(text.clone()),
        Expression::Number(number) => Value::Number(*number),
        Expression::Call(function, arguments) => call(*function, arguments, context)?,
    })
}

/// Elements in the document's order; anything else stays where it is.
fn in_order<'d>(found: Vec<Item<'d>>, item: Item<'d>) -> Vec<Item<'d>> {
    if found.len() < 2 || found.iter().any(|item| item.element().is_none()) {
        return found;
    }
    let root = match item {
        Item::Top(document) => document.root(),
        Item::Element(element) | Item::Attribute(element, ..) => element.document().root(),
    };
    let mut wanted: Vec<NodeId> =
        found.iter().filter_map(|item| item.element()).map(Element::id).collect();
    wanted.sort_unstable();
    let is_wanted = |element: &Element<'d>| wanted.binary_search(&element.id()).is_ok();
    root.descendants().filter(is_wanted).map(Item::Element).collect()
}

fn nodes(value: Value<'_>) -> Evaluated<Vec<Item<'_>>> {
    match value {
        Value::Nodes(nodes) => Ok(nodes),
        Value::Text(_) | Value::Number(_) | Value::Truth(_) => {
            Err(XPathError { at: 0, reason: "a node set is needed here".into() })
        }
    }
}

fn walk<'d>(path: &Path, context: Context<'_, 'd>) -> Evaluated<Vec<Item<'d>>> {
    let start = match context.item {
        Item::Element(element) | Item::Attribute(element, ..) if path.absolute => {
            Item::Top(element.document())
        }
        item @ (Item::Top(_) | Item::Element(_) | Item::Attribute(..)) => item,
    };
    let mut found = Vec::from([start]);
    for step in &path.steps {
        found = take(step, &found, context.budget)?;
    }
    Ok(found)
}

/// One step from each of `from`, predicates applied per starting node, each result once.
fn take<'d>(step: &Step, from: &[Item<'d>], budget: &Cell<usize>) -> Evaluated<Vec<Item<'d>>> {
    let mut found: Vec<Item<'d>> = Vec::new();
    for item in from {
        let candidates = along(step, *item, budget)?;
        found.extend(keep(candidates, &step.predicates, budget)?);
    }
    if from.len() > 1 && step.axis != Axis::Attribute {
        // A node can be reached from several starting nodes.
        let mut seen = Vec::with_capacity(found.len());
        found.retain(|item| {
            let Some(id) = item.element().map(Element::id) else {
                return true;
            };
            match seen.binary_search(&id) {
                Ok(_) => false,
                Err(at) => {
                    seen.insert(at, id);
                    true
                }
            }
        });
    }
    Ok(found)
}

fn along<'d>(step: &Step, item: Item<'d>, budget: &Cell<usize>) -> Evaluated<Vec<Item<'d>>> {
    let element = match item {
        Item::Attribute(element, ..) if step.axis == Axis::Parent => {
            return Ok(Vec::from([Item::Element(element)]));
        }
        Item::Attribute(..) => return Ok(Vec::new()),
        Item::Top(document) => {
            let root = document.root();
            let top = Item::Top(document);
            return Ok(match step.axis {
                Axis::Child => named(step, core::iter::once(root)),
                Axis::Descendant => named(step, root.descendants()),
                Axis::DescendantOrSelf => {
                    spend(budget, root.descendants().count())?;
                    let above = step.name.is_none().then_some(top);
                    above.into_iter().chain(named(step, root.descendants())).collect()
                }
                Axis::Current | Axis::AncestorOrSelf if step.name.is_none() => Vec::from([top]),
                Axis::Current
                | Axis::AncestorOrSelf
                | Axis::Parent
                | Axis::Ancestor
                | Axis::FollowingSibling
                | Axis::PrecedingSibling
                | Axis::Attribute => Vec::new(),
            });
        }
        Item::Element(element) => element,
    };
    spend(budget, 1)?;
    let up = || core::iter::successors(element.parent(), |e| e.parent());
    Ok(match step.axis {
        Axis::Current => named(step, core::iter::once(element)),
        Axis::Child => named(step, element.children()),
        Axis::Parent => match element.parent() {
            Some(parent) => named(step, core::iter::once(parent)),
            None => Vec::from([Item::Top(element.document())]),
        },
        Axis::Ancestor => named(step, up()),
        Axis::AncestorOrSelf => named(step, core::iter::once(element).chain(up())),
        Axis::Descendant => named(step, element.descendants().skip(1)),
        Axis::DescendantOrSelf => named(step, element.descendants()),
        Axis::FollowingSibling => {
            named(step, siblings(element).skip_while(|e| e.id() != element.id()).skip(1))
        }
        Axis::PrecedingSibling => {
            let mut before = named(step, siblings(element).take_while(|e| e.id() != element.id()));
            before.reverse();
            before
        }
        Axis::Attribute => {
            let wanted = |name: &str| step.name.as_deref().is_none_or(|other| other == name);
            let attributes = element.attributes().filter(|(name, _)| wanted(name));
            attributes.map(|(name, value)| Item::Attribute(element, name, value)).collect()
        }
    })
}

fn siblings(element: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    element.parent().into_iter().flat_map(Element::children)
}

fn named<'d>(step: &Step, elements: impl Iterator<Item = Element<'d>>) -> Vec<Item<'d>> {
    let wanted = |e: &Element<'d>| step.name.as_deref().is_none_or(|name| name == e.name());
    elements.filter(wanted).map(Item::Element).collect()
}

fn spend(budget: &Cell<usize>, visits: usize) -> Evaluated<()> {
    match budget.get().checked_sub(visits) {
        Some(rest) => {
            budget.set(rest);
            Ok(())
        }
        None => Err(XPathError { at: 0, reason: "the expression costs too much".into() }),
    }
}

fn keep<'d>(
    mut items: Vec<Item<'d>>,
    predicates: &[Expression],
    budget: &Cell<usize>,
) -> Evaluated<Vec<Item<'d>>> {
    for predicate in predicates {
        let size = items.len();
        spend(budget, size)?;
        let mut kept = Vec::new();
        for (position, item) in (1..).zip(items) {
            let value = evaluate(predicate, Context { item, position, size, budget })?;
            #[expect(clippy::cast_precision_loss, reason = "documents have fewer than 2^52 nodes")]
            let here = position as f64;
            let holds = match value {
                Value::Number(number) => (number - here).abs() < f64::EPSILON,
                Value::Nodes(_) | Value::Text(_) | Value::Truth(_) => value.truth(),
            };
            if holds {
                kept.push(item);
            }
        }
        items = kept;
    }
    Ok(items)
}

/// Comparison: a node set compares if any of its nodes does (§3.4).
fn compare(how: Comparison, left: &Value<'_>, right: &Value<'_>) -> bool {
    let numeric = |a: f64, b: f64| match how {
        Comparison::Equal => (a - b).abs() < f64::EPSILON,
        Comparison::Differ => (a - b).abs() >= f64::EPSILON,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    };
    match (left, right) {
        (Value::Truth(_), _) | (_, Value::Truth(_)) => {
            numeric(f64::from(u8::from(left.truth())), f64::from(u8::from(right.truth())))
        }
        (Value::Nodes(nodes), other) => {
            nodes.iter().any(|item| compare(how, &Value::Text(item.text()), other))
        }
        (other, Value::Nodes(nodes)) => {
            nodes.iter().any(|item| compare(how, other, &Value::Text(item.text())))
        }
        (Value::Text(a), Value::Text(b)) => match how {
            Comparison::Equal => a == b,
            Comparison::Differ => a != b,
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => numeric(left.number(), right.number()),
        },
        (Value::Number(_) | Value::Text(_), Value::Number(_) | Value::Text(_)) => {
            numeric(left.number(), right.number())
        }
    }
}

fn call<'d>(
    function: Function,
    arguments: &[Expression],
    context: Context<'_, 'd>,
) -> Evaluated<Value<'d>> {
    let mut values = Vec::new();
    for argument in arguments {
        values.push(evaluate(argument, context)?);
    }
    let own = || Value::Nodes(Vec::from([context.item]));
    let first = || values.first().cloned().unwrap_or_else(own);
    let text = |at: usize| values.get(at).map(Value::text).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "documents have fewer than 2^52 nodes")]
    let count = |number: usize| Value::Number(number as f64);
    Ok(match function {
        Function::Last => count(context.size),
        Function::Position => count(context.position),
        Function::Count => count(nodes(first())?.len()),
        Function::Name => Value::Text(match nodes(first())?.first() {
            Some(Item::Element(element)) => element.name().to_owned(),
            Some(Item::Attribute(_, name, _)) => (*name).to_owned(),
            Some(Item::Top(_)) | None => String::new(),
        }),
        Function::String => Value::Text(first().text()),
        Function::Concat => Value::Text(values.iter().map(Value::text).collect()),
        Function::StartsWith => Value::Truth(text(0).starts_with(&text(1))),
        Function::Contains => Value::Truth(text(0).contains(&text(1))),
        Function::SubstringBefore => {
            Value::Text(text(0).split_once(&text(1)).map(|(a, _)| a.to_owned()).unwrap_or_default())
        }
        Function::SubstringAfter => {
            Value::Text(text(0).split_once(&text(1)).map(|(_, b)| b.to_owned()).unwrap_or_default())
        }
        Function::StringLength => count(first().text().chars().count()),
        Function::NormalizeSpace => {
            Value::Text(first().text().split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Function::Not => Value::Truth(!first().truth()),
        Function::True => Value::Truth(true),
        Function::False => Value::Truth(false),
        Function::Boolean => Value::Truth(first().truth()),
        Function::Number => Value::Number(first().number()),
    })
}
