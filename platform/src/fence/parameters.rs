//! The parameters of one call, read from the command line or from standard input.

use super::options::{Content, Definition, Options};
use core::time::Duration;
use std::collections::BTreeMap;

/// The values of options, by the options' current names. Printing them prints no secret.
#[derive(Clone, Default)]
pub(crate) struct Parameters(BTreeMap<&'static str, String>);

impl core::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Parameters {
    /// Those of a command line.
    ///
    /// # Errors
    /// What cannot be understood, for people; never a value.
    pub(crate) fn of_words(options: Options, words: &[String]) -> Result<Self, String> {
        let mut parameters = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut next = || words.next().cloned();
            if let Some(long) = word.strip_prefix("--") {
                parameters.take_long(options, long, &mut next)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|l| !l.is_empty()) {
                parameters.take_letters(options, letters, &mut next)?;
            } else {
                return Err("there is a word that belongs to no option".to_owned());
            }
        }
        Ok(parameters)
    }

    /// Those of `name=value` lines. Gives the names that no option has, too.
    pub(crate) fn of_lines(options: Options, text: &str) -> (Self, Vec<String>) {
        let (mut parameters, mut unknown) = (Self::default(), Vec::new());
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (name, value) = line.split_once('=').unwrap_or((line, "1"));
            let name = name.trim();
            match options.named(name) {
                Some(option) => parameters.set(option, value.trim()),
                // What Pacemaker adds for agents that want it.
                None if name == "nodename" || name.starts_with("pcmk_") => {}
                None => unknown.push(name.to_owned()),
            }
        }
        (parameters, unknown)
    }

    /// Those of a configured device; what no option is called is left out.
    pub(crate) fn of_pairs(options: Options, pairs: &[(String, String)]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            if let Some(option) = options.named(name) {
                parameters.set(option, value);
            }
        }
        parameters
    }

    /// Sets an option; one without a value is removed if the value says no.
    fn set(&mut self, option: &Definition, value: &str) {
        let no = matches!(value.to_ascii_lowercase().as_str(), "0" | "no" | "off" | "false" | "");
        if option.content == Content::Boolean && no {
            self.0.remove(option.name);
        } else {
            self.0.insert(option.name, value.to_owned());
        }
    }

    fn take_long(
        &mut self,
        options: Options,
        word: &str,
        next: &mut dyn FnMut() -> Option<String>,
    ) -> Result<(), String> {
        let (name, value) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        let option = options.worded(name).ok_or_else(|| format!("no option is called --{name}"))?;
        if option.content == Content::Boolean {
            self.set(option, value.unwrap_or("1"));
            return Ok(());
        }
        let value = value.map(str::to_owned).or_else(next);
        self.set(option, &value.ok_or_else(|| format!("--{name} needs a value"))?);
        Ok(())
    }

    fn take_letters(
        &mut self,
        options: Options,
        letters: &str,
        next: &mut dyn FnMut() -> Option<String>,
    ) -> Result<(), String> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let option =
                options.lettered(letter).ok_or_else(|| format!("no option is called -{letter}"))?;
            if option.content == Content::Boolean {
                self.set(option, "1");
                continue;
            }
            let value = Some(rest.as_str().to_owned()).filter(|v| !v.is_empty()).or_else(next);
            self.set(option, &value.ok_or_else(|| format!("-{letter} needs a value"))?);
            break;
        }
        Ok(())
    }

    /// These with one value replaced.
    #[must_use]
    pub(crate) fn with(&self, name: &'static str, value: String) -> Self {
        let mut parameters = self.clone();
        parameters.0.insert(name, value);
        parameters
    }

    /// A value that was given.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether an option without a value was given.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A value that was given, or the option's default.
    pub(crate) fn text(&self, options: Options, name: &str) -> Option<&str> {
        self.given(name).or_else(|| options.named(name).and_then(|option| option.default))
    }

    /// A number, given or by default.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn number(&self, options: Options, name: &str) -> Result<u32, String> {
        let text = self.text(options, name).unwrap_or("0");
        text.parse().map_err(|_| format!("{name} has to be a whole number"))
    }

    /// A time in seconds, given or by default.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn seconds(&self, options: Options, name: &str) -> Result<Duration, String> {
        let text = self.text(options, name).unwrap_or("0").trim_end_matches('s');
        let seconds = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
        seconds.ok_or_else(|| format!("{name} has to be a number of seconds"))
    }
}
