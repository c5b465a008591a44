//! [`Skill`]: what a front matter declares.

use credential_provider_api::{
    CredentialError, CredentialRequirement, Detail, EnvName, IdPattern, Necessity,
};
use serde::Deserialize as _;

use super::node::Node;
use super::{for_people, front_matter, wrong};
use crate::consumer::Consumer;
use crate::injection::{Binding, Bindings};

/// Most entries of one list.
const MOST: usize = 64;

/// What a `SKILL.md` says of itself and asks for. Nothing of it is true because it is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skill {
    /// Its name.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Its key in the host's configuration, if not its name.
    pub skill_key: Option<String>,
    /// The variable its one API key goes into.
    pub primary_env: Option<EnvName>,
    /// The variables it names, each once: those of `requires.env`, then those of `envVars`.
    pub env: Vec<DeclaredEnv>,
    /// The credentials it asks for.
    pub credentials: Vec<CredentialRequirement>,
}

/// An environment variable a skill names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredEnv {
    /// Its name.
    pub name: EnvName,
    /// Whether it can run without.
    pub necessity: Necessity,
    /// What for, in the skill's words.
    pub description: Option<String>,
}

impl Skill {
    /// Reads a whole `SKILL.md`.
    ///
    /// # Errors
    /// `configuration_invalid` names the line or the path, and what to do.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let root = front_matter::read(text)?;
        let mut skill = Self {
            name: line(&root, "name", "name")?,
            description: line(&root, "description", "description")?,
            ..Self::default()
        };
        let Some(metadata) = metadata(&root)? else { return Ok(skill) };
        let aliases = ["openclaw", "clawdbot", "clawdis"];
        let found = aliases.iter().find_map(|name| metadata.get(name).map(|node| (*name, node)));
        let Some((alias, own)) = found else { return Ok(skill) };
        let at = |field: &str| format!("metadata.{alias}.{field}");
        if !matches!(own, Node::Map(_)) {
            return Err(wrong(&format!("metadata.{alias}"), "expected an object"));
        }
        skill.skill_key = line(own, "skillKey", &at("skillKey"))?;
        skill.primary_env = line(own, "primaryEnv", &at("primaryEnv"))?
            .map(|n| env(&n, &at("primaryEnv")))
            .transpose()?;
        if let Some(requires) = own.get("requires") {
            if !matches!(requires, Node::Map(_)) {
                return Err(wrong(&at("requires"), "expected an object"));
            }
            for (place, node) in entries(requires, "env", &at("requires.env"))? {
                let name = node.text().ok_or_else(|| wrong(&place, "expected a name"))?;
                skill.declare(env(name, &place)?, Necessity::Required, None);
            }
        }
        for (place, node) in entries(own, "envVars", &at("envVars"))? {
            let name = node.get("name").and_then(Node::text);
            let name = name.ok_or_else(|| wrong(&place, "expected an object with a `name`"))?;
            let necessity = match node.get("required") {
                Some(Node::Bool(false)) => Necessity::Optional,
                Some(Node::Bool(true)) | None => Necessity::Required,
                Some(_) => return Err(wrong(&place, "`required` is true or false")),
            };
            let description = line(node, "description", &format!("{place}.description"))?;
            skill.declare(env(name, &place)?, necessity, description);
        }
        for (place, node) in entries(own, "credentials", &at("credentials"))? {
            let mut need = CredentialRequirement::deserialize(node.clone())
                .map_err(|error| wrong(&place, Detail::cleaned(&error.to_string()).as_str()))?;
            need.reason = need.reason.map(|reason| for_people(&reason, 200));
            if let Some(env) = &need.env {
                skill.not_asked_for(env, &format!("{place}.env"))?;
            }
            skill.credentials.push(need);
        }
        Ok(skill)
    }

    /// Its key in the host's configuration: `skillKey`, else its name.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.skill_key.as_deref().or(self.name.as_deref())
    }

    /// Bindings of what it asks for in a variable, for those requests that the rules grant `consumer`
    /// now. Requests for blocked names are left out; the preflight reports them.
    #[must_use]
    pub fn bindings(&self, consumer: &Consumer) -> Bindings {
        let mut bindings = Bindings::none();
        // A consumer whose name could be taken for a pattern is nobody's in particular.
        let name = IdPattern::new(consumer.name().as_str()).ok().filter(IdPattern::is_exact);
        let Some(name) = name else { return bindings };
        for need in &self.credentials {
            let Some(env) = &need.env else { continue };
            let mut binding = Binding::new(name.clone(), env.clone(), need.credential.clone());
            binding.field.clone_from(&need.field);
            binding.necessity = need.necessity;
            if consumer.is_granted(&need.credential)
                && let Ok(more) = bindings.clone().and(binding)
            {
                bindings = more;
            }
        }
        bindings
    }

    /// One of two credentials for one variable would not be bound.
    fn not_asked_for(&self, env: &EnvName, place: &str) -> Result<(), CredentialError> {
        let same = |other: &EnvName| other.as_str().eq_ignore_ascii_case(env.as_str());
        match self.credentials.iter().position(|need| need.env.as_ref().is_some_and(same)) {
            None => Ok(()),
            Some(first) => {
                let env = env.as_str();
                let problem =
                    format!("{env} is that of credentials[{first}] too; use another name");
                Err(wrong(place, &problem))
            }
        }
    }

    fn declare(&mut self, name: EnvName, necessity: Necessity, description: Option<String>) {
        if let Some(known) = self.env.iter_mut().find(|known| known.name == name) {
            known.description = known.description.take().or(description);
            if necessity == Necessity::Required {
                known.necessity = necessity;
            }
            return;
        }
        self.env.push(DeclaredEnv { name, necessity, description });
    }
}

/// `metadata` as a tree; a text is JSON5.
fn metadata(root: &Node) -> Result<Option<Node>, CredentialError> {
    match root.get("metadata") {
        None => Ok(None),
        Some(node @ Node::Map(_)) => Ok(Some(node.clone())),
        Some(Node::Text(text)) => match super::json::read(text) {
            Ok(node) => Ok(Some(node)),
            Err(super::json::NotRead::Syntax) => {
                Err(wrong("metadata", "this text is not JSON5; correct it or write nested YAML"))
            }
            Err(super::json::NotRead::Refused(problem)) => Err(wrong("metadata", problem)),
        },
        Some(_) => Err(wrong("metadata", "expected an object")),
    }
}

fn line(node: &Node, key: &str, place: &str) -> Result<Option<String>, CredentialError> {
    match node.get(key) {
        None => Ok(None),
        Some(Node::Text(text)) => Ok(Some(for_people(text, 1024)).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong(place, "expected a text")),
    }
}

fn env(name: &str, place: &str) -> Result<EnvName, CredentialError> {
    EnvName::new(name).map_err(|error| wrong(place, &error.to_string()))
}

/// The entries of a list, each with its place.
fn entries<'a>(
    node: &'a Node,
    key: &str,
    place: &str,
) -> Result<Vec<(String, &'a Node)>, CredentialError> {
    match node.get(key) {
        None => Ok(Vec::new()),
        Some(Node::List(list)) if list.len() > MOST => {
            Err(wrong(place, "it has over 64 entries; ask for less"))
        }
        Some(Node::List(list)) => {
            Ok(list.iter().enumerate().map(|(n, node)| (format!("{place}[{n}]"), node)).collect())
        }
        Some(_) => Err(wrong(place, "expected a list")),
    }
}
