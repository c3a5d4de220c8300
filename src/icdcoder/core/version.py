"""The version of icdcoder, which artefacts and predictions carry."""

VERSION = "0.1.0"
