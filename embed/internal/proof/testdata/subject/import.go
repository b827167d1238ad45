package main

import _ "github.com/covwrap/covwrap/embed/auto"
