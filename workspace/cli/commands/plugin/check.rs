//! `editscale plugin check -- CMD ARGS`

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use editscale_plugin::Launch;
use editscale_plugin::check::{CheckOptions, CheckReport, Finding, Verdict, check};
use editscale_sdk::protocol::{Hello, PluginKind};
use serde_json::{Map, Value, json};

use crate::args::{KindWord, PluginCheck};
use crate::bounded;
use crate::failure::{Misuse, print, tell};

/// The most bytes of a configuration.
const LARGEST: u64 = 1 << 20;

/// Checks a plugin, and tells each finding as it comes.
pub(crate) fn run(arguments: &PluginCheck) -> Result<ExitCode> {
    let options = options(arguments)?;
    tell(&format!(
        "waiting for `{}`: up to {} s until it is ready, and as long for each call",
        arguments.run.join(" "),
        arguments.timeout
    ));
    let mut shown = Shown { is_json: arguments.json, kind: None, not_tried: None, trouble: None };
    let report = check(&options, &mut |finding| shown.show(finding)).map_err(|error| Misuse::new(error.to_string()))?;
    shown.fold();
    if let Some(trouble) = shown.trouble {
        return Err(trouble);
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&object(&report))?)?;
    } else {
        print(&summary(&report))?;
    }
    Ok(if report.is_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(arguments: &PluginCheck) -> Result<CheckOptions> {
    let launch = Launch { environment: arguments.environment.clone(), ..Launch::of(arguments.run.clone()) };
    let kind = arguments.kind.map(|word| match word {
        KindWord::Editor => PluginKind::Editor,
        KindWord::Reward => PluginKind::Reward,
    });
    let config = arguments.config.as_deref().map(config).transpose()?.unwrap_or_default();
    let (timeout, only) = (Duration::from_secs(arguments.timeout), arguments.only.clone());
    Ok(CheckOptions { launch, kind, config, timeout, only })
}

/// The object that `--config` gives, or names a file of.
fn config(given: &str) -> Result<Map<String, Value>> {
    let text = match given.strip_prefix('@') {
        None => given.as_bytes().to_vec(),
        Some(path) => bounded::read(Path::new(path), LARGEST)
            .map_err(|error| Misuse::new(format!("cannot read the configuration {path}: {error}")))?,
    };
    let misuse = |error: serde_json::Error| {
        let misuse = Misuse::new(format!("--config is not a JSON object: {error}"));
        misuse.hint(r#"give it as in --config '{"model": "weights"}', or a file as in --config @config.json"#)
    };
    Ok(serde_json::from_slice(&text).map_err(misuse)?)
}

/// What has been shown so far.
struct Shown {
    is_json: bool,
    kind: Option<PluginKind>,
    /// Checks that were not tried, and the reason that they share, which are told together.
    not_tried: Option<(Vec<&'static str>, String)>,
    /// Why showing ended.
    trouble: Option<anyhow::Error>,
}

impl Shown {
    fn show(&mut self, finding: &Finding) {
        let is_second = self.kind.is_some_and(|kind| kind != finding.kind);
        if is_second {
            self.fold();
            self.line(&format!("\nas {}:", finding.kind.word()));
        }
        self.kind = Some(finding.kind);
        match (finding.not_tried(), &mut self.not_tried) {
            (Some(why), Some((names, shared))) if shared == why => names.push(finding.name),
            (Some(why), _) => {
                self.fold();
                self.not_tried = Some((vec![finding.name], why.to_owned()));
            }
            (None, _) => {
                self.fold();
                lines(finding).iter().for_each(|line| self.line(line));
            }
        }
    }

    /// Tells of the checks that were not tried.
    fn fold(&mut self) {
        if let Some((names, why)) = self.not_tried.take() {
            self.line(&format!("{:<14}  {}: {why}", "not tried", names.join(", ")));
        }
    }

    fn line(&mut self, line: &str) {
        if self.is_json {
            tell(line);
        } else {
            self.trouble = self.trouble.take().or_else(|| print(line).err());
        }
    }
}

/// A finding for people; what is expected and to be done only where it failed.
fn lines(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("{:<14}  {:<18}  {}", finding.verdict.word(), finding.name, finding.found)];
    if finding.verdict == Verdict::Failed {
        lines.push(format!("{:16}expected: {}", "", finding.expected));
        lines.extend(finding.log.iter().map(|line| format!("{:16}its log: {line}", "")));
        lines.extend(finding.advice.iter().map(|advice| format!("{:16}to do: {advice}", "")));
    }
    lines
}

fn summary(report: &CheckReport) -> String {
    let [ok, failed, other] = [Verdict::Passed, Verdict::Failed, Verdict::NotApplicable].map(|word| report.count(word));
    format!("{ok} ok, {failed} failed, {other} not applicable")
}

fn object(report: &CheckReport) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "kind": finding.kind.word(),
            "name": finding.name,
            "verdict": finding.verdict.word(),
            "expected": finding.expected,
            "found": finding.found,
            "advice": finding.advice,
            "log": finding.log,
            "secs": finding.took.as_secs_f64(),
        })
    };
    json!({
        "version": 1,
        "plugin": report.hello.as_ref().map(greeting),
        "checks": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "ok": report.count(Verdict::Passed),
        "failed": report.count(Verdict::Failed),
        "not_applicable": report.count(Verdict::NotApplicable),
    })
}

fn greeting(hello: &Hello) -> Value {
    json!({
        "name": hello.name,
        "version": hello.plugin_version,
        "sdk": hello.sdk,
        "protocol": hello.version.to_string(),
        "kinds": hello.kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>(),
        "features": hello.features,
    })
}
