#!/usr/bin/env python3
"""Checks the golden files with cfn-lint, checkov, cfn-guard, parliament and cloudsplaining.

usage: lint.py

Every finding must be listed in accepted.yaml with its reason, and every entry there must be needed.
It runs in the environment of localstack/requirements/template.in; cfn-guard is in guard.in.
"""

import concurrent.futures
import fnmatch
import json
import logging
import os
import pathlib
import platform
import re
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = sorted((HERE / "golden").glob("*.yaml"))
BIN = pathlib.Path(sys.executable).parent
GUARD = BIN.parent.parent / "guard" / "package"
ACCOUNT = "111122223333"
PSEUDO = {
    "Partition": "aws",
    "Region": "us-east-1",
    "AccountId": ACCOUNT,
    "URLSuffix": "amazonaws.com",
}


def tool(name, *arguments):
    """The output of a program of this environment.

    Its exit code says only that it found something.
    """
    # checkov would ask a service of its vendor for further rules.
    environment = {
        **os.environ,
        "LOG_LEVEL": "CRITICAL",
        "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false",
    }
    run = subprocess.run([BIN / name, *arguments], capture_output=True, text=True, env=environment)
    if not run.stdout.strip():
        sys.exit(f"{name} printed nothing, exit code {run.returncode}\n{run.stderr}")
    return run.stdout


def cfn_lint():
    """Informational level, in every AWS region: a property or a type may lack in one."""
    options = "--include-checks I --regions ALL_REGIONS --format json --template".split()
    found = json.loads(tool("cfn-lint", *options, *GOLDEN))
    for finding in found:
        path = finding["Location"]["Path"]
        resource = path[1] if len(path) > 1 else "-"
        yield (
            finding["Rule"]["Id"],
            pathlib.Path(finding["Filename"]).stem,
            resource,
            finding["Message"],
        )


def checkov():
    options = "--framework cloudformation --skip-download --output json".split()
    found = json.loads(tool("checkov", "--directory", HERE / "golden", *options))
    if found["summary"]["parsing_errors"] or not found["summary"]["passed"]:
        sys.exit(f"checkov could not read the templates: {found['summary']}")
    for finding in found["results"]["failed_checks"]:
        resource = finding["resource"].rpartition(".")[2]
        yield (
            finding["check_id"],
            pathlib.Path(finding["file_path"]).stem,
            resource,
            finding["check_name"],
        )


def cfn_guard():
    """The proactive rules of AWS Control Tower."""
    system = {"Linux": "ubuntu", "Darwin": "macos"}[platform.system()]
    processor = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    program = GUARD / "bin" / system / processor / "cfn-guard"
    rules = GUARD / "rules" / "control-tower" / "cfn-guard"
    program.chmod(0o755)
    checked = json.loads(
        tool(
            program,
            "validate",
            "-d",
            HERE / "golden",
            "-r",
            rules,
            "--structured",
            "-o",
            "json",
            "-S",
            "none",
        )
    )
    if len(checked) != len(GOLDEN) or sum(len(file["compliant"]) for file in checked) < 10:
        sys.exit(f"cfn-guard looked at {len(checked)} of {len(GOLDEN)} templates")
    for file in checked:
        for broken in file["not_compliant"]:
            rule = broken["Rule"]["name"]
            message = re.search(r"\[CT\.[^\\]*", json.dumps(broken)) or [rule]
            for resource in {
                path.split("/")[2] for path in paths(broken) if path.startswith("/Resources/")
            } or {"-"}:
                yield rule, pathlib.Path(file["name"]).stem, resource, message[0]


def paths(node):
    """The places in a template that a result of cfn-guard is about."""
    if isinstance(node, list):
        for part in node:
            yield from paths(part)
    elif isinstance(node, dict):
        if isinstance(node.get("path"), str):
            yield node["path"]
        for part in node.values():
            yield from paths(part)


def example(value, resources):
    """A part of a policy with references replaced by examples of what they could be."""
    if isinstance(value, list):
        return [example(part, resources) for part in value]
    if isinstance(value, dict):
        ((name, content), *more) = value.items()
        if more or not (name == "Ref" or name.startswith("Fn::")):
            return {key: example(part, resources) for key, part in value.items()}
        if name == "Fn::GetAtt":
            value = "${" + ".".join(content) + "}"
        elif name == "Fn::Sub" and isinstance(content, str):
            value = content
        elif name == "Ref":
            value = "${" + content + "}"
        else:
            sys.exit(f"lint.py does not know {value} in a policy")
    for pseudo, known in PSEUDO.items():
        value = value.replace("${AWS::" + pseudo + "}", known)
    return re.sub(r"\$\{([\w.]+)\}", lambda match: example_arn(match[1], resources), value)


def example_arn(reference, resources):
    name, _, attribute = reference.partition(".")
    prefix = {
        "AWS::SQS::Queue": f"arn:aws:sqs:us-east-1:{ACCOUNT}:",
        "AWS::Logs::LogGroup": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:",
        "AWS::S3::Bucket": "arn:aws:s3:::",
    }.get(resources[name]["Type"], "")
    suffix = ":*" if resources[name]["Type"] == "AWS::Logs::LogGroup" else ""
    return (
        (prefix if attribute == "Arn" else "")
        + name.lower()
        + (suffix if attribute == "Arn" else "")
    )


def policies():
    """The policies of all roles: file, role and document."""
    for path in GOLDEN:
        resources = yaml.safe_load(path.read_text())["Resources"]
        roles = {
            name: entry for name, entry in resources.items() if entry["Type"] == "AWS::IAM::Role"
        }
        for name, resource in roles.items():
            for policy in resource["Properties"].get("Policies", []):
                yield path.stem, name, example(policy["PolicyDocument"], resources)


def iam():
    """Actions that do not exist or do not fit their resource, and what a stolen role could do."""
    import parliament
    from cloudsplaining.scan.policy_document import PolicyDocument

    logging.disable(logging.CRITICAL)
    seen = 0
    for file, role, document in policies():
        seen += 1
        for finding in parliament.analyze_policy_string(json.dumps(document)).findings:
            yield finding.issue, file, role, str(finding.detail or finding.title)
        scanned = PolicyDocument(document)
        for kind in (
            "allows_privilege_escalation",
            "permissions_management_without_constraints",
            "allows_data_exfiltration_actions",
            "credentials_exposure",
            "service_wildcard",
        ):
            for action in getattr(scanned, kind):
                yield kind, file, role, str(action)
    if seen < 6:
        sys.exit(f"only {seen} policies were found in {HERE / 'golden'}")


def main():
    accepted = yaml.safe_load((HERE / "accepted.yaml").read_text())
    needed = set()
    problems = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = [
            pool.submit(lambda check: list(check()), check)
            for check in (cfn_lint, checkov, cfn_guard)
        ]
        findings = [*iam(), *(finding for check in running for finding in check.result())]
    for rule, file, resource, message in findings:
        for number, entry in enumerate(accepted):
            if entry["rule"] == rule and any(
                fnmatch.fnmatch(f"{file}:{resource}", where) for where in entry["in"]
            ):
                needed.add(number)
                break
        else:
            problems.append(f"{file}: {resource}: {rule}: {message}")
    problems += [
        f"accepted.yaml: {entry['rule']} in {entry['in']} is not found any more; remove it"
        for number, entry in enumerate(accepted)
        if number not in needed
    ]
    if problems:
        sys.exit("\n".join(sorted(set(problems))))
    counted = f"{len(findings)} findings in {len(GOLDEN)} templates"
    print(f"{counted}, all accepted with {len(accepted)} reasons")


if __name__ == "__main__":
    main()
