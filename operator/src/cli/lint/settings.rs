use std::{collections::BTreeMap, fs, path::Path};

use regex::Regex;
use serde_json::Value;

use super::{
    super::{outcome::Problem, tree::Tree},
    rule::{Default, Parameter, Rule, Severity, nearest, suggestion},
};

/// How strict each rule is, and what it is compared with.
pub(super) struct Settings(BTreeMap<Rule, Setting>);

/// The same for one rule.
pub(super) struct Setting {
    pub(super) severity: Severity,
    parameter: Option<Parameter>,
}

impl Settings {
    /// What a file says, the rest by default; None for the defaults alone.
    ///
    /// # Errors
    /// When it cannot be read, or says something that means nothing; all such places are told at once.
    pub(super) fn read(file: Option<&Path>) -> Result<Self, Problem> {
        let Some(file) = file else {
            return Self::parse("lint", "");
        };
        let text = fs::read_to_string(file)
            .map_err(|error| Problem::new(format!("{}: {error}", file.display())))?;
        Self::parse(&file.display().to_string(), &text)
    }

    /// What a text says, the rest by default.
    ///
    /// # Errors
    /// When it is not YAML, or says something that means nothing.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let mut settings = Self(Rule::ALL.map(|rule| (rule, by_default(rule))).into());
        let documents = Tree::documents(text)
            .map_err(|error| Problem::new(format!("{file} is not YAML: {error}")))?;
        let mut faults = Vec::new();
        for (key, value) in documents.iter().flat_map(Tree::entries) {
            if key != "rules" {
                faults.push((
                    value.line(""),
                    format!("unknown key `{key}`{}", suggestion(key, ["rules"])),
                ));
                continue;
            }
            for (id, written) in value.entries() {
                settings.set(id, written, &mut faults);
            }
        }
        if faults.is_empty() {
            return Ok(settings);
        }
        let faults: Vec<String> = faults
            .iter()
            .map(|(line, fault)| format!("{file}:{line}: {fault}"))
            .collect();
        Err(Problem::new(faults.join("\n       ")))
    }

    /// How strict the rule is.
    pub(super) fn severity(&self, rule: Rule) -> Severity {
        self.0
            .get(&rule)
            .map_or(Severity::Off, |setting| setting.severity)
    }

    /// The number the rule compares with; 0 for a rule that has none.
    pub(super) fn number(&self, rule: Rule) -> i64 {
        match self
            .0
            .get(&rule)
            .and_then(|setting| setting.parameter.as_ref())
        {
            Some(Parameter::Number(number)) => *number,
            _ => 0,
        }
    }

    /// The pattern the rule compares with; None for a rule that has none.
    pub(super) fn pattern(&self, rule: Rule) -> Option<&Regex> {
        match self
            .0
            .get(&rule)
            .and_then(|setting| setting.parameter.as_ref())
        {
            Some(Parameter::Pattern(pattern)) => Some(pattern),
            _ => None,
        }
    }

    fn set(&mut self, id: &str, written: &Tree, faults: &mut Vec<(usize, String)>) {
        let ids = || Rule::ALL.map(Rule::id);
        let Some(rule) = Rule::named(id) else {
            let fault = match nearest(id, ids()) {
                Some(_) => format!("unknown rule `{id}`{}", suggestion(id, ids())),
                None => format!("unknown rule `{id}`, there are: {}", ids().join(", ")),
            };
            faults.push((written.line(""), fault));
            return;
        };
        let Some(setting) = self.0.get_mut(&rule) else {
            return;
        };
        let value = written.value();
        if value.is_string() || value == Value::Bool(false) {
            match severity(id, &value) {
                Ok(severity) => setting.severity = severity,
                Err(fault) => faults.push((written.line(""), fault)),
            }
            return;
        }
        if written.entries().is_empty() {
            faults.push((
                written.line(""),
                format!("rule `{id}`: write a severity (error, warning, off) or a mapping"),
            ));
        }
        for (key, value) in written.entries() {
            if let Err(fault) = setting.assign(rule, key, &value.value()) {
                faults.push((value.line(""), fault));
            }
        }
    }
}

impl Setting {
    fn assign(&mut self, rule: Rule, key: &str, value: &Value) -> Result<(), String> {
        let id = rule.id();
        let parameter = rule.facts().parameter;
        if key == "severity" {
            self.severity = severity(id, value)?;
            return Ok(());
        }
        let Some((_, default)) = parameter.filter(|(name, _)| *name == key) else {
            let keys = ["severity"]
                .into_iter()
                .chain(parameter.map(|(name, _)| name));
            return Err(format!(
                "rule `{id}`: unknown key `{key}`{}",
                suggestion(key, keys)
            ));
        };
        self.parameter = Some(match default {
            Default::Number(_) => Parameter::Number(
                value
                    .as_i64()
                    .ok_or_else(|| format!("rule `{id}`: {key}: {value} is not a whole number"))?,
            ),
            Default::Pattern(_) => Parameter::Pattern(
                value
                    .as_str()
                    .ok_or_else(|| format!("rule `{id}`: {key}: {value} is not a text"))
                    .and_then(|text| {
                        Regex::new(text).map_err(|error| format!("rule `{id}`: {key}: {error}"))
                    })?,
            ),
        });
        Ok(())
    }
}

fn by_default(rule: Rule) -> Setting {
    let facts = rule.facts();
    let parameter = facts.parameter.and_then(|(_, default)| match default {
        Default::Number(number) => Some(Parameter::Number(number)),
        Default::Pattern(pattern) => Regex::new(pattern).ok().map(Parameter::Pattern),
    });
    Setting {
        severity: facts.severity,
        parameter,
    }
}

/// YAML 1.1 reads the plain word `off` as false.
fn severity(id: &str, value: &Value) -> Result<Severity, String> {
    let text = match value {
        Value::Bool(false) => "off",
        other => other.as_str().unwrap_or_default(),
    };
    Severity::parse(text).ok_or_else(|| {
        format!(
            "rule `{id}`: {value} is no severity: write error, warning or off{}",
            suggestion(text, Severity::NAMES)
        )
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_rule_has_the_default_its_table_says() {
        let settings = Settings::parse("x", "").unwrap();
        for rule in Rule::ALL {
            assert_eq!(settings.severity(rule), rule.facts().severity);
            match rule.facts().parameter {
                Some((_, Default::Number(number))) => assert_eq!(settings.number(rule), number),
                Some((_, Default::Pattern(pattern))) => {
                    assert_eq!(settings.pattern(rule).unwrap().as_str(), pattern);
                }
                None => assert!(settings.pattern(rule).is_none()),
            }
        }
    }

    #[test]
    fn a_file_sets_severities_and_parameters() {
        let settings = Settings::parse(
            "x",
            "rules:\n  topic-owner: error\n  topic-replicas: { severity: warning, minimum: 3 }\n  topic-name: { pattern: '^[a-z.]+$' }\n  group-dlq: off\n",
        )
        .unwrap();
        assert_eq!(settings.severity(Rule::TopicOwner), Severity::Error);
        assert_eq!(settings.severity(Rule::TopicReplicas), Severity::Warning);
        assert_eq!(settings.number(Rule::TopicReplicas), 3);
        assert_eq!(
            settings.pattern(Rule::TopicName).unwrap().as_str(),
            "^[a-z.]+$"
        );
        assert_eq!(settings.severity(Rule::GroupDlq), Severity::Off);
    }

    #[test]
    fn what_means_nothing_is_refused_all_at_once_with_the_nearest_name() {
        let problem = Settings::parse(
            "lint.yaml",
            "rule: {}\nrules:\n  topic-ownr: error\n  zzz: off\n  topic-owner: eror\n  topic-replicas: { minimun: 2 }\n  topic-partitions: { maximum: many }\n  topic-name: { pattern: '[' }\n  group-dlq: 3\n",
        )
        .err()
        .unwrap();
        expect![[r#"
            lint.yaml:1: unknown key `rule`, did you mean `rules`?
                   lint.yaml:3: unknown rule `topic-ownr`, did you mean `topic-owner`?
                   lint.yaml:4: unknown rule `zzz`, there are: topic-owner, topic-description, topic-retention, topic-replicas, topic-partitions, topic-name, topic-schema, topic-max-message-bytes, topic-min-insync-replicas, deletion-policy, consumers-all, group-dlq
                   lint.yaml:5: rule `topic-owner`: "eror" is no severity: write error, warning or off, did you mean `error`?
                   lint.yaml:6: rule `topic-replicas`: unknown key `minimun`, did you mean `minimum`?
                   lint.yaml:7: rule `topic-partitions`: maximum: "many" is not a whole number
                   lint.yaml:8: rule `topic-name`: pattern: regex parse error:
                [
                ^
            error: unclosed character class
                   lint.yaml:9: rule `group-dlq`: write a severity (error, warning, off) or a mapping"#]]
        .assert_eq(&problem.to_string());
    }
}
