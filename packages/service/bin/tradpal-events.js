#!/usr/bin/env node
// It stands outside dist/, so that an install which comes before the first build can link the command.
import '../dist/main.js'
