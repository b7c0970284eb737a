#!/usr/bin/env python3
"""Writes the template as CloudFormation would apply it.

That is SAM's transform, then parameters and conditions.

usage: transform.py FOLDER

FOLDER gets one file for each stack of each parameter set in sets.json: own.yaml, own-store.yaml,
own-alarms.yaml and so on. It needs the SAM CLI's environment and neither AWS nor an emulator.
"""

import json
import os
import pathlib
import sys

import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REMOVED = object()
PSEUDO = {"AWS::NoValue": REMOVED}


class Session:
    """Replaces boto3's session, of which SAM only asks for the region."""

    region_name = "us-east-1"


def parse(path):
    return yaml_parse(path.read_text())


def sam(template, parameters):
    """Transforms a template with SAM. What "sam package" would upload gets an address."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://artifacts/code"
    template["Globals"]["Function"].pop("CodeUri")
    try:
        return Translator({}, Parser(), boto_session=Session()).translate(template, parameters)
    except InvalidDocumentException as problem:
        sys.exit("\n".join([problem.message, *(cause.message for cause in problem.causes)]))


class Stack:
    """A template with the values of its parameters."""

    def __init__(self, template, given, outputs=None):
        self.template = template
        self.outputs = outputs or {}
        self.parameters = {
            name: given.get(name, declared.get("Default"))
            for name, declared in template.get("Parameters", {}).items()
        }

    def holds(self, condition):
        """Whether a condition, or the name of one, holds."""
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((name, value),) = condition.items()
        if name == "Condition":
            return self.holds(value)
        if name == "Fn::Not":
            return not self.holds(value[0])
        if name == "Fn::And":
            return all(self.holds(part) for part in value)
        if name == "Fn::Or":
            return any(self.holds(part) for part in value)
        if name == "Fn::Equals":
            left, right = (self.value(part) for part in value)
            return str(left) == str(right)
        raise ValueError(f"unknown condition {name}")

    def value(self, node):
        """A node with parameters and Fn::If replaced.

        What only a deployment knows stays as it is.
        """
        if isinstance(node, list):
            values = [self.value(part) for part in node]
            return [value for value in values if value is not REMOVED]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, value),) = node.items()
            if name == "Ref" and value in self.parameters:
                return self.parameter(value)
            if name == "Ref" and value in PSEUDO:
                return PSEUDO[value]
            if name == "Fn::If":
                return self.value(value[1] if self.holds(value[0]) else value[2])
            if name == "Fn::Join" and value[0] == "" and isinstance(self.value(value[1]), list):
                parts = self.value(value[1])
                if all(isinstance(part, str) for part in parts):
                    return "".join(parts)
                return {name: ["", parts]}
            if name == "Fn::Sub":
                text = self.substituted(value)
                return {name: text} if "${" in str(text) else text
        values = {name: self.value(value) for name, value in node.items()}
        return {name: value for name, value in values.items() if value is not REMOVED}

    def parameter(self, name):
        value = self.parameters[name]
        if self.template["Parameters"][name]["Type"] == "CommaDelimitedList":
            return value.split(",") if value else []
        return value

    def substituted(self, value):
        text, variables = (
            (value, {}) if isinstance(value, str) else (value[0], self.value(value[1]))
        )
        for name, parameter in self.parameters.items():
            text = text.replace("${" + name + "}", str(parameter))
        for name, variable in list(variables.items()):
            if isinstance(variable, str):
                text = text.replace("${" + name + "}", variables.pop(name))
        return [text, variables] if variables else text

    def applied(self):
        """The template without parameters, conditions and what a condition switches off."""
        result = {"Description": self.template["Description"], "Resources": {}, "Outputs": {}}
        for section in ("Resources", "Outputs"):
            for name, entry in self.template[section].items():
                if "Condition" not in entry or self.holds(entry["Condition"]):
                    kept = {
                        key: value
                        for key, value in entry.items()
                        if key not in ("Condition", "Metadata")
                    }
                    result[section][name] = self.value(kept)
        return {"AWSTemplateFormatVersion": "2010-09-09", **result}


def text(value):
    """What a nested stack is given, as a text; a reference as <OrdersQueue.QueueName>."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str):
        return value
    ((name, content),) = value.items()
    if name not in ("Ref", "Fn::GetAtt"):
        raise ValueError(f"a nested stack is given {value}")
    return f"<{content if name == 'Ref' else '.'.join(content)}>"


def stacks(parameters):
    """The applied templates of one parameter set: the stack and its nested stacks, by name."""
    template = parse(ROOT / "template.yaml")
    defaults = {name: str(declared["Default"]) for name, declared in template["Parameters"].items()}
    given = {**defaults, **parameters}
    root = Stack(
        sam(template, {**given, "AWS::StackName": "order-pipeline", "AWS::Region": "us-east-1"}),
        given,
    )
    root.parameters["AWS::StackName"] = "order-pipeline"
    root.template["Parameters"]["AWS::StackName"] = {"Type": "String"}
    result = {"": root.applied()}
    for resource in result[""]["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            path = ROOT / resource["Properties"]["TemplateURL"]
            nested = {
                name: text(value) for name, value in resource["Properties"]["Parameters"].items()
            }
            result["-" + path.stem] = Stack(parse(path), nested).applied()
    return result


def main(folder):
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, parameters in json.loads((HERE / "sets.json").read_text()).items():
        for suffix, template in stacks(parameters).items():
            content = yaml.safe_dump(json.loads(json.dumps(template)), sort_keys=True, width=120)
            (folder / f"{name}{suffix}.yaml").write_text(content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
