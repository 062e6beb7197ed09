#!/usr/bin/env python3
# check_meta.py - META.json is what PGXN's specification 1.0.0 asks for (https://pgxn.org/meta/spec.txt), and names the
# version of ctlpr.control, debian/changelog and CHANGELOG.md.
import json
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
flaws = []

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?\Z")
TERM = re.compile(r"[^\s/\\\x00-\x1f\x7f]{2,}\Z")
TAG = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}\Z")
LICENSES = """agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1 lgpl_3_0
    mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted unrestricted unknown""".split()
PHASES = {"configure", "build", "test", "runtime", "develop"}
RELATIONS = {"requires", "recommends", "suggests", "conflicts"}
KNOWN = """name version abstract maintainer license provides meta-spec description generated_by tags no_index prereqs
    release_status resources""".split()


def expect(condition, flaw):
    if not condition:
        flaws.append(flaw)
    return condition


def is_text(value):
    return isinstance(value, str) and value.strip() != ""


def check_requirements(what, requirements):
    if not expect(isinstance(requirements, dict), f"{what} is no map"):
        return
    for name, version in requirements.items():
        expect(TERM.match(name), f"{what}: {name} is no term")
        for part in str(version).split(","):
            bare = re.sub(r"^\s*(<=|>=|<|>|==|!=)?\s*", "", part)
            expect(bare == "0" or SEMVER.match(bare), f"{what}: {version} is no version")


with open("META.json", encoding="utf-8") as file:
    meta = json.load(file)
for key in "name version abstract maintainer license provides meta-spec".split():
    expect(key in meta, f"{key} is missing")
for key in meta:
    expect(key in KNOWN or re.match(r"[xX]_", key), f"{key} is no key of the specification")
expect(TERM.match(meta.get("name", "")), "name is no term")
expect(SEMVER.match(meta.get("version", "")), "version is no semantic version")
expect(is_text(meta.get("abstract")), "abstract is empty")
maintainer = meta.get("maintainer")
maintainer = [maintainer] if isinstance(maintainer, str) else maintainer
expect(maintainer and all(is_text(name) for name in maintainer), "maintainer names nobody")
licenses = meta.get("license")
licenses = [licenses] if isinstance(licenses, str) else licenses
expect(isinstance(licenses, dict) or (licenses and all(name in LICENSES for name in licenses)), "license is not of the list")
spec = meta.get("meta-spec", {})
expect(spec.get("version") == "1.0.0", "meta-spec is not of version 1.0.0")
expect(re.match(r"https?://pgxn\.org/meta/spec\.txt\Z", spec.get("url", "")), "meta-spec has another url")
expect(meta.get("release_status", "stable") in ("stable", "testing", "unstable"), "release_status is none")
expect(all(isinstance(tag, str) and TAG.match(tag) for tag in meta.get("tags", ["-"])) and meta.get("tags", ["-"]), "a tag is none")
for phase, relations in meta.get("prereqs", {}).items():
    expect(phase in PHASES or re.match(r"[xX]_", phase), f"prereqs: no phase {phase}")
    for relation, requirements in relations.items():
        expect(relation in RELATIONS or re.match(r"[xX]_", relation), f"prereqs: no relation {relation}")
        check_requirements(f"prereqs.{phase}.{relation}", requirements)
expect(meta.get("provides"), "nothing is provided")
for name, extension in meta.get("provides", {}).items():
    expect(TERM.match(name), f"provides: {name} is no term")
    expect(SEMVER.match(extension.get("version", "")), f"provides.{name} has no semantic version")
    expect(os.path.isfile(extension.get("file", "")), f"provides.{name}.file is not there")
    expect("docfile" not in extension or os.path.isfile(extension["docfile"]), f"provides.{name}.docfile is not there")
    expect(set(extension) <= {"file", "version", "abstract", "docfile"} or any(re.match("[xX]_", key) for key in extension), f"provides.{name} has an unknown key")

with open("ctlpr.control", encoding="utf-8") as file:
    control = re.search(r"^default_version\s*=\s*'([^']+)'", file.read(), re.M).group(1)
semantic = control + ".0" * (2 - control.count("."))
expect(meta.get("version") == semantic, f"version is not that of ctlpr.control, {semantic}")
expect(meta["provides"].get("ctlpr", {}).get("version") == semantic, f"provides.ctlpr.version is not {semantic}")
with open("debian/changelog", encoding="utf-8") as file:
    expect(file.readline().startswith(f"ctlpr ({control}-"), f"debian/changelog does not begin with version {control}")
with open("CHANGELOG.md", encoding="utf-8") as file:
    headings = re.findall(r"^## (.*)$", file.read(), re.M)
expect(headings and headings[0].startswith(control + " "), f"CHANGELOG.md does not begin with version {control}")
for heading in headings:
    expect(re.match(r"\d+\.\d+(\.\d+)? \((\d{4}-\d{2}-\d{2}|unreleased)\)\Z", heading), f"CHANGELOG.md: \"{heading}\" is no version with its date")
for flaw in flaws:
    print(f"META.json: {flaw}", file=sys.stderr)
sys.exit(1 if flaws else 0)
