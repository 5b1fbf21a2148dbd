// Fogbank's Node.js runtime: asks the Lambda Runtime API for events and gives them to the function's handler.
'use strict'

const net = require('net')
const fs = require('fs')
const path = require('path')
const { pathToFileURL } = require('url')

const API = '/2018-06-01/runtime/'
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
let requestId = ''

// One record is one frame, so that one of several lines stays one event in the log.
function record(text) {
  const data = Buffer.from(text)
  const head = Buffer.alloc(16)
  head.writeUInt32BE(0xa55a0003, 0)
  head.writeUInt32BE(data.length, 4)
  head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8)
  let frame = Buffer.concat([head, data])
  while (frame.length > 0) {
    try {
      frame = frame.subarray(fs.writeSync(1, frame))
    } catch (error) {
      if (error.code !== 'EAGAIN') return
    }
  }
}

function patchConsole() {
  const { format, inspect } = require('util')
  const asJson = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON'
  const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
  const least = asJson ? Math.max(0, levels.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL || 'INFO')) : 0
  const write = (level) => (...values) => {
    if (levels.indexOf(level) < least) return
    const timestamp = new Date().toISOString()
    if (!asJson) return record(`${timestamp}\t${requestId || 'undefined'}\t${level}\t${format(...values)}`)
    const message = values.length === 1 ? values[0] : format(...values)
    const line = { timestamp, level, requestId: requestId || undefined }
    if (message instanceof Error) Object.assign(line, errorDocument(message), { stackTrace: (message.stack || '').split('\n') })
    else line.message = message
    try {
      record(JSON.stringify(line))
    } catch (_) {
      record(JSON.stringify({ ...line, message: inspect(message) }))
    }
  }
  console.trace = write('TRACE')
  console.debug = write('DEBUG')
  console.log = console.info = write('INFO')
  console.warn = write('WARN')
  console.error = write('ERROR')
  console.fatal = write('FATAL')
}

// One persistent connection, one request at a time. It keeps the process alive only while an event is waited for, so that
// `beforeExit` tells when a handler has left nothing to wait for.
class Api {
  constructor() {
    this.parts = []
    this.size = 0
    this.pending = null
  }

  connect() {
    this.socket = net.connect({ host, port: Number(port), noDelay: true })
    this.socket.on('data', (data) => this.take(data))
    this.socket.on('error', () => process.exit(1))
    this.socket.on('close', () => process.exit(1))
  }

  call(method, where, headers, body) {
    if (!this.socket) this.connect()
    this.socket.ref()
    const length = body === undefined ? 0 : Buffer.byteLength(body)
    let head = `${method} ${API}${where} HTTP/1.1\r\nHost: runtime\r\nContent-Length: ${length}\r\n`
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`
    return new Promise((resolve) => {
      this.pending = { resolve, head: null, need: 0 }
      if (typeof body === 'string' && length < 65536) this.socket.write(head + '\r\n' + body)
      else {
        this.socket.write(head + '\r\n')
        if (length > 0) this.socket.write(body)
      }
    })
  }

  take(data) {
    this.parts.push(data)
    this.size += data.length
    const pending = this.pending
    if (!pending) return
    if (!pending.head) {
      const all = this.parts.length === 1 ? data : Buffer.concat(this.parts)
      this.parts = [all]
      const end = all.indexOf('\r\n\r\n')
      if (end < 0) return
      const lines = all.latin1Slice(0, end).split('\r\n')
      const headers = {}
      for (let index = 1; index < lines.length; index++) {
        const colon = lines[index].indexOf(':')
        headers[lines[index].slice(0, colon).toLowerCase()] = lines[index].slice(colon + 1).trim()
      }
      pending.head = { status: Number(lines[0].split(' ')[1]), headers }
      pending.begin = end + 4
      pending.need = pending.begin + Number(headers['content-length'] || 0)
    }
    if (this.size < pending.need) return
    const all = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts)
    this.parts = []
    this.size = 0
    this.pending = null
    this.socket.unref()
    pending.resolve({ ...pending.head, body: all.subarray(pending.begin, pending.need) })
  }
}

class RuntimeFault extends Error {
  constructor(name, message, cause) {
    super(message)
    this.name = name
    if (cause && cause.stack) this.stack = cause.stack
  }
}

function errorDocument(error) {
  if (error instanceof Error || (error && typeof error === 'object' && 'message' in error && 'name' in error)) {
    const trace = (error.stack || '').split('\n')
    if (error instanceof RuntimeFault && trace.length > 0) trace[0] = `${error.name}: ${error.message}`.split('\n')[0]
    return { errorType: String(error.name), errorMessage: String(error.message), trace }
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}

function headerValue(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?').slice(0, 512)
}

async function loadModule(root, name) {
  const base = path.resolve(root, name)
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const file = base + extension
    if (!fs.existsSync(file) || fs.statSync(file).isDirectory()) continue
    if (extension === '.mjs') return import(pathToFileURL(file).href)
    try {
      return require(file)
    } catch (error) {
      if (error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE')) return import(pathToFileURL(file).href)
      throw error
    }
  }
  try {
    return require(require.resolve(name, { paths: [root] }))
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
    throw new RuntimeFault('Runtime.ImportModuleError', `Error: Cannot find module '${path.basename(name)}'\nRequire stack:\n- /var/runtime/bootstrap.js`, error)
  }
}

async function loadHandler() {
  const full = process.env._HANDLER
  const root = process.env.LAMBDA_TASK_ROOT || '/var/task'
  if (full.includes('..')) throw new RuntimeFault('Runtime.MalformedHandlerName', `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`)
  const name = path.basename(full)
  const match = /^([^.]*)\.(.+)$/.exec(name)
  if (!match) throw new RuntimeFault('Runtime.MalformedHandlerName', 'Bad handler')
  const moduleName = path.join(full.slice(0, full.length - name.length), match[1])
  let loaded
  try {
    loaded = await loadModule(root, moduleName)
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeFault('Runtime.UserCodeSyntaxError', String(error), error)
    if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND')) throw new RuntimeFault('Runtime.ImportModuleError', String(error), error)
    throw error
  }
  const find = (from) => match[2].split('.').reduce((value, key) => value && value[key], from)
  const handler = find(loaded) || find(loaded.default)
  if (handler === undefined) throw new RuntimeFault('Runtime.HandlerNotFound', `${full} is undefined or not exported`)
  if (typeof handler !== 'function') throw new RuntimeFault('Runtime.HandlerNotFound', `${full} is not a function`)
  return handler
}

function parsed(text) {
  return text ? JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) : undefined
}

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed(headers['lambda-runtime-client-context']),
    identity: parsed(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  }
  return context
}

// What a handler that never answers leaves when nothing is left to wait for.
let whenIdle = null
process.on('beforeExit', () => {
  const wake = whenIdle
  whenIdle = null
  if (wake) wake()
})

// Calls the handler in whichever style it is written; resolves with its result.
function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (error, result, wait) => {
      if (settled) return
      settled = true
      const finish = () => (error === null || error === undefined ? resolve(result) : reject(error))
      if (wait && context.callbackWaitsForEmptyEventLoop && !error) whenIdle = finish
      else finish()
    }
    const callback = (error, result) => settle(error, result, true)
    context.done = callback
    context.succeed = (result) => settle(null, result, false)
    context.fail = (error) => settle(error === undefined || error === null ? 'handled' : error, null, false)
    whenIdle = () => settle(null, null, false)
    let returned
    try {
      returned = handler(event, context, callback)
    } catch (error) {
      return settle(error, null, false)
    }
    if (returned && typeof returned.then === 'function') {
      returned.then((result) => settle(null, result, false), (error) => settle(error === undefined || error === null ? new Error(String(error)) : error, null, false))
    }
  })
}

async function runStreaming(api, handler, event, context) {
  const http = require('http')
  const { Writable } = require('stream')
  const begin = (contentType) => {
    const request = http.request({
      host, port, method: 'POST', path: `${API}invocation/${requestId}/response`, agent: false,
      headers: {
        'Content-Type': contentType || 'application/octet-stream',
        'Lambda-Runtime-Function-Response-Mode': 'streaming',
        'Transfer-Encoding': 'chunked',
        Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      },
    })
    request.done = new Promise((resolve) => {
      request.on('response', (response) => {
        response.resume()
        response.on('end', resolve)
      })
      request.on('error', resolve)
    })
    return request
  }
  let request = null
  const stream = new Writable({
    highWaterMark: 65536,
    decodeStrings: true,
    write(chunk, _encoding, next) {
      request = request || begin(stream.contentType)
      if (stream.prelude) {
        request.write(stream.prelude)
        stream.prelude = null
      }
      request.write(chunk, next)
    },
    final(next) {
      request = request || begin(stream.contentType)
      if (stream.prelude) request.write(stream.prelude)
      request.end()
      request.done.then(() => next())
    },
  })
  stream.setContentType = (contentType) => {
    stream.contentType = contentType
  }
  let sources = 0
  stream.on('pipe', () => sources++)
  stream.on('unpipe', () => sources--)
  // The request is on its way before the handler is done, but the loop may be empty until it ends its stream.
  const finished = new Promise((resolve, reject) => {
    stream.on('finish', resolve)
    stream.on('error', reject)
  })
  finished.catch(() => {})
  const idle = new Promise((resolve) => {
    whenIdle = resolve
  })
  try {
    await Promise.race([handler(event, stream, context), idle])
    // What is still piped into the stream will end it; otherwise nobody will.
    if (!stream.writableEnded && sources === 0) stream.end()
    await finished
  } catch (error) {
    const document = errorDocument(error)
    console.error('Invoke Error \t' + JSON.stringify({ ...document, trace: undefined, stack: document.trace }))
    if (!request) {
      await api.call('POST', `invocation/${requestId}/error`, { 'Lambda-Runtime-Function-Error-Type': headerValue(document.errorType) }, JSON.stringify(document))
      return
    }
    request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': headerValue(document.errorType),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(document)).toString('base64'),
    })
    request.end()
    await request.done
  }
}

function exposeStreaming() {
  class HttpResponseStream {
    static from(stream, metadata) {
      stream.setContentType('application/vnd.awslambda.http-integration-response')
      stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(metadata || {})), Buffer.alloc(8)])
      return stream
    }
  }
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = options || true
      return handler
    },
    HttpResponseStream,
  }
}

async function handleOne(api, handler, next) {
  requestId = next.headers['lambda-runtime-aws-request-id']
  process.env._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id'] || ''
  let answer
  try {
    const event = JSON.parse(next.body.toString())
    const context = makeContext(next.headers)
    if (handler[STREAMING]) return await runStreaming(api, handler, event, context)
    const result = await run(handler, event, context)
    answer = JSON.stringify(result === undefined ? null : result)
    if (answer === undefined) answer = 'null'
  } catch (error) {
    const document = errorDocument(error)
    const { trace, ...rest } = document
    console.error('Invoke Error \t' + JSON.stringify({ ...rest, stack: trace }))
    await api.call('POST', `invocation/${requestId}/error`, { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': headerValue(document.errorType) }, JSON.stringify(document))
    return
  } finally {
    whenIdle = null
  }
  await api.call('POST', `invocation/${requestId}/response`, { 'Content-Type': 'application/json' }, answer)
}

// An error that nobody caught: told to the platform over a connection of its own, then the process ends.
function fatal(api, name, error) {
  const document = errorDocument(error)
  if (name) Object.assign(document, { errorType: name, errorMessage: String(error) })
  const { trace, ...rest } = document
  console.error(name ? 'Unhandled Promise Rejection ' : 'Uncaught Exception \t' + JSON.stringify({ ...rest, stack: trace }))
  const last = new Api()
  const where = requestId ? `invocation/${requestId}/error` : 'init/error'
  last.call('POST', where, { 'Lambda-Runtime-Function-Error-Type': headerValue(document.errorType) }, JSON.stringify(document)).then(() => process.exit(129))
}

// Waits on descriptor 3 to be told which function this process is to serve: started ahead, with no function loaded. What a first call
// goes through has been gone through once by then.
async function wait(api) {
  for (const name of ['http', 'https', 'stream', 'util', 'crypto', 'zlib', 'events', 'buffer', 'timers/promises', 'stream/promises']) require(name)
  await import('node:path')
  const { handler } = await loadModule('/var/runtime', 'example')
  JSON.stringify(await run(handler, JSON.parse('{"name":["value",1]}'), makeContext({})))
  whenIdle = null
  delete require.cache['/var/runtime/example.js']
  api.connect()
  api.socket.unref()
  fs.writeSync(3, 'r')
  const told = await new Promise((resolve) => {
    const socket = new net.Socket({ fd: 3, readable: true, writable: true })
    const parts = []
    socket.on('data', (part) => {
      parts.push(part)
      if (part[part.length - 1] !== 10) return
      socket.end('a')
      resolve(JSON.parse(Buffer.concat(parts).toString()))
    })
    socket.on('end', () => parts.length === 0 && process.exit(0))
    socket.on('error', () => process.exit(1))
  })
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, told.environment)
  process.chdir(told.directory)
}

async function main() {
  const api = new Api()
  if (process.argv.length > 2 && process.argv.pop() === 'spare') await wait(api)
  patchConsole()
  exposeStreaming()
  process.on('uncaughtException', (error) => fatal(api, null, error))
  process.on('unhandledRejection', (error) => fatal(api, 'Runtime.UnhandledPromiseRejection', error))
  let handler
  try {
    handler = await loadHandler()
  } catch (error) {
    const document = errorDocument(error)
    const { trace, ...rest } = document
    record(`${new Date().toISOString()}\tundefined\tERROR\tUncaught Exception \t${JSON.stringify({ ...rest, stack: trace })}`)
    await api.call('POST', 'init/error', { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': headerValue(document.errorType) }, JSON.stringify(document))
    process.exit(1)
  }
  for (;;) {
    const next = await api.call('GET', 'invocation/next')
    if (next.status !== 200) process.exit(1)
    await handleOne(api, handler, next)
  }
}

main()
