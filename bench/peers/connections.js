// Redis as ioredis wants it named. PostgreSQL's driver takes the URL.
const url = new URL(process.env.REDIS_URL);

exports.redis = {
  host: url.hostname,
  port: Number(url.port),
  password: decodeURIComponent(url.password) || undefined,
};
